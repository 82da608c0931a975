import type { KafkaTool } from '@lab/stack/kafka-tools.ts'
import type { Progress, Session } from '../run/session.ts'
import type { TrioName } from '../trio.ts'
import { BenchInvalid } from './invalid.ts'
import { auditRun, type Sent } from './ledger.ts'
import {
  type Measuring,
  measureSegment,
  openMeasuring,
  type Segment,
  STOCK,
  type ThroughputOptions,
} from './throughput.ts'

export interface CeilingsOptions {
  session: Session
  part: TrioName
  /** How far the cost per order is followed; also the most that a round sends. */
  orders: number
  rounds: number
  connections: number
  /** Kafka's own tools; asked for only when they are needed. */
  kafkaTools: () => Promise<KafkaTool>
  progress: Progress
}

/** A running part that counts what it was sent, so that it can be held against the ledger after every round. */
export interface MeasuredPart extends Measuring {
  name: TrioName
  sent: Sent
  segment: (orders: number, what: string) => Promise<Segment>
  /** Rejects with `BenchInvalid` unless every order since the start is accounted for. */
  audit: () => Promise<void>
}

/** What one comparison of the part with its ceilings is given. */
export interface Comparing {
  options: CeilingsOptions
  part: MeasuredPart
  orders: number
  opened: AsyncDisposableStack
}

export async function openMeasuredPart(
  options: Omit<ThroughputOptions, 'orders'>,
  opened: AsyncDisposableStack,
): Promise<MeasuredPart> {
  const measuring = await openMeasuring({ ...options, orders: [] }, opened)
  const sent: Sent = { accepted: 0, unknown: 0, order_ids: [] }
  return {
    ...measuring,
    name: options.part,
    sent,
    segment: (orders, what) => measureSegment(orders, what, sent, measuring),
    async audit() {
      const { part, client } = measuring
      const { signal } = options.session
      options.progress('comparing every order with the ledger')
      const anomalies = await auditRun({ part, client, sent, initial: STOCK, signal })
      if (anomalies.length > 0) throw new BenchInvalid(anomalies.join('\n'))
    },
  }
}

/** One audited round: accepted and completed orders a second. */
export async function auditedRound(part: MeasuredPart, orders: number): Promise<Record<string, number>> {
  const segment = await part.segment(orders, part.name)
  await part.audit()
  return { accepted: segment.accepted_per_second, completed: segment.completed_per_second }
}
