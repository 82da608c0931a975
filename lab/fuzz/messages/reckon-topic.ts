import type { TopicRecord } from '../../probes/kafka-reader.ts'
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
import type { TopicState } from './topic-state.ts'

export interface TopicRun {
  target: string
  sent: Numbered[]
  /** All of the topic that was fuzzed. */
  records: TopicRecord[]
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
    ...unequal('what analytics counts', countedAfter(spec, run, [...events, ...decisions]), after.counted),
  ]
  return [...findings, ...complaints.map((complaint) => ({ target, ...complaint, count: 0 }))]
}

/** Poison of `order-events` is skipped by analytics, because the inventory dead-letters it. */
function countedAfter(
  { topic }: TopicSpec,
  { sent, before: { counted } }: TopicRun,
  events: KnownEvent[],
): TopicState['counted'] {
  const idsOf = (type: KnownEvent['type']) =>
    new Set(events.filter((event) => event.type === type).map(({ id }) => id.toLowerCase())).size
  const judge = kafkaOracle({
    topic,
    knows: topic === 'order-events' ? ['OrderPlaced'] : ['InventoryReserved', 'InventoryFailed'],
  })
  const poison = sent.filter(({ message }) => judge(message).kind === 'poison').length
  const isOrders = topic === 'order-events'
  return {
    orders_total: counted.orders_total + idsOf('OrderPlaced'),
    reserved_total: counted.reserved_total + idsOf('InventoryReserved'),
    failed_total: counted.failed_total + idsOf('InventoryFailed'),
    poison: {
      skipped: counted.poison.skipped + (isOrders ? poison : 0),
      dead_lettered: counted.poison.dead_lettered + (isOrders ? 0 : poison),
    },
  }
}

/** A dead letter names the record it is of; the record carries the number of its case. */
function lettersOf(topic: string, { records, letters }: TopicRun): DeadLetter[] {
  const cases = new Map(
    records.map(({ partition, offset, headers }) => [`${partition}/${offset}`, headers[CASE]]),
  )
  return letters.flatMap(({ headers }) => {
    const at = cases.get(`${headers.origin_partition}/${headers.origin_offset}`)
    return headers.origin_topic === topic && at !== undefined
      ? [{ at: Number(at), reason: headers.reason ?? '' }]
      : []
  })
}
