import type { TopicRecord } from '../../probes/kafka.ts'
import type { Complaint } from '../http/judge.ts'
import { unequal } from '../parts/account.ts'
import type { KnownEvent } from './case.ts'
import { kafkaOracle, TOPICS } from './kafka-cases.ts'
import type { TopicState } from './topic-state.ts'

/** Everything that the topics hold, by their names. */
export type Log = Record<string, TopicRecord[]>

const TOTALS = {
  OrderPlaced: 'orders_total',
  InventoryReserved: 'reserved_total',
  InventoryFailed: 'failed_total',
} as const

/**
 * Analytics counts an id once. Events of two types may carry the same one, the nil UUID for instance, and which of them is
 * read first is open: so all ids together have to be right, and each total lies between its own ids and those it may share.
 */
export function reckonTotals(log: Log, { counted }: TopicState): Complaint[] {
  const events = TOPICS.flatMap(({ topic }) => eventsIn(topic, log))
  const types = Object.keys(TOTALS) as KnownEvent['type'][]
  const idsOf = (types: KnownEvent['type'][]) =>
    new Set(events.filter(({ type }) => types.includes(type)).map(({ id }) => id.toLowerCase()))
  const sum = counted.orders_total + counted.reserved_total + counted.failed_total
  const wrong = types.flatMap((type) => {
    const [own, others] = [idsOf([type]), idsOf(types.filter((other) => other !== type))]
    const [least, most, found] = [own.difference(others).size, own.size, counted[TOTALS[type]]]
    if (found >= least && found <= most) return []
    return [{ rule: 'what analytics counts', detail: `${TOTALS[type]} is ${found}, not ${least} to ${most}` }]
  })
  return [...wrong, ...unequal('what analytics counts together', idsOf(types).size, sum)]
}

function eventsIn(topic: string, log: Log): KnownEvent[] {
  const judge = kafkaOracle(TOPICS.find((spec) => spec.topic === topic)!)
  return (log[topic] ?? []).flatMap(({ key, value }) => {
    const verdict = judge({ kind: '', key, body: value, properties: {}, headers: {} })
    return verdict.kind === 'event' ? [verdict.event] : []
  })
}

/** Poison of `order-events` is skipped by analytics, because the inventory dead-letters it. */
export function reckonPoison(
  topic: string,
  poison: number,
  { before, after }: { before: TopicState; after: TopicState },
) {
  const { skipped, dead_lettered } = before.counted.poison
  const isOrders = topic === 'order-events'
  const expected = {
    skipped: skipped + (isOrders ? poison : 0),
    dead_lettered: dead_lettered + (isOrders ? 0 : poison),
  }
  return unequal('poison that analytics counts', expected, after.counted.poison)
}
