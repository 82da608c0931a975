import { z } from 'zod'
import type { KafkaProbe } from '../probes/kafka.ts'
import type { PartClient } from './part-client.ts'
import { INVENTORY_EVENTS, ORDER_EVENTS } from './topic-count.ts'

export const ANALYTICS_GROUP = 'analytics-group'

/** The lag of the analytics group at one moment. */
export interface LagSample {
  atMs: number
  phase: string
  /** As the broker has it: end of the log now minus committed, over both topics. */
  messages: number
  state: string
  members: number
  /** As the service tells it in `GET /lag`; absent while there is no service to ask. */
  reported?: { messages: number; seconds: number }
}

const LagReport = z.object({ lag_messages: z.number(), lag_seconds: z.number() })

export interface LagMeter {
  samples: LagSample[]
  /** Asks the broker, and the service when it runs. Rejects when either does not answer: no figure is made up. */
  sample: (phase: string, options?: { isRunning?: boolean }) => Promise<LagSample>
}

export function openLagMeter(probe: KafkaProbe, client: PartClient): LagMeter {
  const startedAt = performance.now()
  const samples: LagSample[] = []
  return {
    samples,
    sample: async (phase, { isRunning = true } = {}) => {
      const messages = await brokerLag(probe)
      const { state, members } = await probe.groupState(ANALYTICS_GROUP)
      const report = isRunning ? LagReport.parse(await client.read('third', '/lag')) : undefined
      const sample: LagSample = {
        atMs: Math.round(performance.now() - startedAt),
        phase,
        messages,
        state,
        members,
        ...(report && { reported: { messages: report.lag_messages, seconds: report.lag_seconds } }),
      }
      samples.push(sample)
      return sample
    },
  }
}

async function brokerLag(probe: KafkaProbe): Promise<number> {
  const partitions = [
    ...(await probe.lag(ANALYTICS_GROUP, ORDER_EVENTS)),
    ...(await probe.lag(ANALYTICS_GROUP, INVENTORY_EVENTS)),
  ]
  return partitions.reduce((sum, { lag }) => sum + lag, 0)
}
