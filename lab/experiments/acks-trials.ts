import { waitFor } from '@lab/common/testing/wait.ts'
import { answered, closedLoop, orderIds } from '../load/closed-loop.ts'
import type { KafkaProbe } from '../probes/kafka.ts'
import type { ExperimentContext } from './experiment.ts'
import type { PartClient } from './part-client.ts'
import { ORDER_EVENTS } from './topic-count.ts'

export const ACKS = ['0', '1', 'all'] as const
export type Acks = (typeof ACKS)[number]

/** What a customer heard of an order that the log refused, and whether the log has it. */
export interface Trial {
  acks: Acks
  /** HTTP status; 0 when there was no answer. */
  status: number
  isInLog: boolean
}

interface TrialBench extends Pick<ExperimentContext<unknown>, 'signal'> {
  client: PartClient
  probe: KafkaProbe
  acks: Acks
}

/** The log never expires; a topic's configuration is set as a whole. */
const AS_CREATED = { 'retention.ms': '-1' }

/** Places one order while the log takes no record of its size: a real refusal by a real broker. */
export async function refusedOrder({ client, probe, acks, signal }: TrialBench): Promise<Trial> {
  await probe.configure(ORDER_EVENTS, { ...AS_CREATED, 'max.message.bytes': '100' })
  const load = await closedLoop(client.place, { count: 1, concurrency: 1, signal }).finally(() =>
    probe.configure(ORDER_EVENTS, AS_CREATED),
  )
  await untilTaken({ client, probe, signal })
  const records = await probe.readAll(ORDER_EVENTS, { signal, timeoutMs: 60_000 })
  const [order_id] = orderIds(load)
  return {
    acks,
    status: answered(load)[0]?.status ?? 0,
    isInLog: records.some(({ key }) => key === order_id),
  }
}

/** Until the log takes orders again: a record that was written before is in front of this one, or nowhere. */
async function untilTaken({ client, probe, signal }: Omit<TrialBench, 'acks'>): Promise<void> {
  await waitFor(
    'the log to take an order again',
    async () => {
      const load = await closedLoop(client.place, { count: 1, concurrency: 1, signal })
      const [order_id] = orderIds(load)
      const records = await probe.readAll(ORDER_EVENTS, { signal, timeoutMs: 30_000 })
      return order_id !== undefined && records.some(({ key }) => key === order_id)
    },
    { timeoutMs: 60_000, everyMs: 200, signal },
  )
}
