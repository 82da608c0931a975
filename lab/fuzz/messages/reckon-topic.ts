import type { TopicRecord } from '../../probes/kafka.ts'
import type { Finding } from '../finding.ts'
import type { Complaint } from '../http/judge.ts'
import { difference, stockAfter, unequal } from '../parts/account.ts'
import type { KnownEvent } from './case.ts'
import { CASE, type Numbered } from './draw.ts'
import { kafkaOracle, type TopicSpec } from './kafka-cases.ts'
import {
  type DeadLetter,
  distinct,
  eventsOf,
  reckonDeadLetters,
  reckonDecisions,
  reporter,
  type Sent,
} from './reckon.ts'
import { type Log, reckonPoison, reckonTotals } from './reckon-counts.ts'
import type { TopicState } from './topic-state.ts'

export interface TopicRun {
  target: string
  sent: Numbered[]
  /** All of both topics. */
  log: Log
  /** Of `inventory-events`, what came since the beginning of the run. */
  announced: TopicRecord[]
  /** All of `order-events.dlt`. */
  letters: TopicRecord[]
  before: TopicState
  after: TopicState
}

export function reckonTopic(spec: TopicSpec, run: TopicRun): Finding[] {
  const { target, before, after } = run
  const judge = kafkaOracle(spec)
  const sent = run.sent.map((one): Sent => ({ ...one, verdict: judge(one.message) }))
  const events = eventsOf(sent)
  const findings = reckonDeadLetters(sent, lettersOf(spec.topic, run), reporter(target))
  const decisions =
    spec.topic === 'order-events'
      ? run.announced.map(({ value }) => JSON.parse(String(value)) as KnownEvent)
      : []
  if (spec.topic === 'order-events')
    findings.push(
      ...reckonDecisions(sent, { announced: decisions, decidedBefore: before.orders }, reporter(target)),
    )
  const reserved = distinct(decisions).filter(({ type }) => type === 'InventoryReserved')
  const orders = [...before.orders, ...events.map(({ data }) => data.order_id)]
  const complaints: Complaint[] = [
    ...unequal(
      'stock is moved by something else',
      stockAfter(
        before.stock,
        reserved.map(({ data }) => data),
      ),
      after.stock,
    ),
    ...difference('orders', orders, after.orders),
    ...reckonTotals(run.log, after),
    ...reckonPoison(spec.topic, sent.length - events.length, run),
  ]
  return [...findings, ...complaints.map((complaint) => ({ target, ...complaint, count: 0 }))]
}

/** A dead letter names the record it is of; the record carries the number of its case. */
function lettersOf(topic: string, { log, letters }: TopicRun): DeadLetter[] {
  const cases = new Map(
    (log[topic] ?? []).map(({ partition, offset, headers }) => [`${partition}/${offset}`, headers[CASE]]),
  )
  return letters.flatMap(({ headers }) => {
    const at = cases.get(`${headers.origin_partition}/${headers.origin_offset}`)
    return headers.origin_topic === topic && at !== undefined
      ? [{ at: Number(at), reason: headers.reason ?? '' }]
      : []
  })
}
