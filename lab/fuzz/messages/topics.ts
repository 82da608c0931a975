import type { Stock } from '@lab/common/domain/stock.ts'
import fc from 'fast-check'
import { z } from 'zod'
import type { PartClient } from '../../parts/client.ts'
import { type KafkaProbe, openKafkaProbe, type TopicRecord } from '../../probes/kafka.ts'
import { sometimes } from '../generate.ts'
import type { Complaint } from '../results.ts'
import { oneOf, weirdString } from '../weird.ts'
import {
  anyEvent,
  CASE,
  createReader,
  type EventName,
  type KnownEvent,
  kindOf,
  type MessageCase,
} from './cases.ts'
import {
  type Consumer,
  type DeadLetter,
  difference,
  type Judge,
  judged,
  type Numbered,
  reckonDeadLetters,
  reckonDecisions,
  reckonStock,
  unequal,
} from './consumers.ts'

const READ_MS = 120_000

/** A topic and the events that belong there. */
interface TopicSpec {
  topic: string
  knows: EventName[]
}

const TOPICS: TopicSpec[] = [
  { topic: 'order-events', knows: ['OrderPlaced'] },
  { topic: 'inventory-events', knows: ['InventoryReserved', 'InventoryFailed'] },
]

/** Records for one topic: every event of the lab, changed or not, under its order's key or another. */
const kafkaCases = ({ knows }: TopicSpec, ids: string[]): fc.Arbitrary<MessageCase> =>
  fc
    .record({ body: anyEvent(knows, ids), key, headers, isEmpty: sometimes(fc.constant(true), false, 60) })
    .map(({ body, key, headers, isEmpty }) => ({
      kind: kindOf(
        isEmpty ? 'no value' : body.change,
        key === undefined ? '' : 'key',
        Object.keys(headers).length > 0 ? 'headers' : '',
      ),
      body: isEmpty ? null : body.bytes,
      key: key === undefined ? body.was.order_id : key,
      properties: {},
      headers,
    }))

/** Undefined stands for the order's own. */
const key = sometimes(fc.oneof(fc.constant(null), weirdString, fc.uuid()), undefined, 7)

const headerName = oneOf('ce_id ce_type content-type origin_topic origin_offset reason')
const headers = sometimes(
  fc
    .array(fc.tuple(fc.oneof(headerName, weirdString), weirdString), { minLength: 1, maxLength: 3 })
    .map((entries): Record<string, string> => Object.fromEntries(entries)),
  {},
  5,
)

/** What a consumer of the topic must make of a record. */
function judgeOf({ knows }: TopicSpec): Judge {
  const read = createReader(knows)
  return ({ body, key }) => {
    const event = read(body)
    return event && key?.toLowerCase() === event.data.order_id ? event : undefined
  }
}

export const topics: Consumer[] = TOPICS.map((spec) => ({
  target: `consumers of ${spec.topic}`,
  messages: (ids) => kafkaCases(spec, ids),
  judge: judgeOf(spec),
  async open({ part, client }, signal) {
    const probe = await openKafkaProbe(part.kafka!)
    const offsets = await probe.endOffsets('inventory-events')
    const ends = new Map(offsets.map(({ partition, end }) => [partition, end]))
    const before = await readTopicState(client)
    const read = (topic: string) => probe.readAll(topic, { timeoutMs: READ_MS, signal })
    return {
      send: (messages) =>
        probe.produce(
          spec.topic,
          messages.map(({ at, message: { key, body, headers } }) => ({
            key,
            value: body,
            headers: { ...(headers as Record<string, string>), [CASE]: String(at) },
          })),
        ),
      left: () => lagOf(probe),
      stuck: async () => ({
        rule: 'the lag does not go down to 0',
        detail: `${await lagOf(probe)} records left`,
      }),
      reckon: async (sent) => {
        const log = {
          'order-events': await read('order-events'),
          'inventory-events': await read('inventory-events'),
        }
        const isNew = ({ partition, offset }: TopicRecord) => BigInt(offset) >= (ends.get(partition) ?? 0n)
        const announced = log['inventory-events'].filter(isNew)
        const letters = await read('order-events.dlt')
        const after = await readTopicState(client)
        return reckonTopic(spec, { sent, log, announced, letters, before, after })
      },
      [Symbol.asyncDispose]: probe.close,
    }
  },
}))

const Counted = z.object({
  orders_total: z.int(),
  reserved_total: z.int(),
  failed_total: z.int(),
  poison: z.object({ skipped: z.int(), dead_lettered: z.int() }),
})

/** What records may change: the stock, the list of orders, and what analytics has counted. */
interface TopicState {
  stock: Stock
  orders: Set<string>
  counted: z.infer<typeof Counted>
}

async function readTopicState(client: PartClient): Promise<TopicState> {
  const orders = await client.orders()
  return {
    stock: await client.stock(),
    orders: new Set(orders.map(({ order_id }) => order_id)),
    counted: Counted.parse(await client.read('third', '/metrics')),
  }
}

const GROUPS = [
  ['inventory-group', 'order-events'],
  ['analytics-group', 'order-events'],
  ['analytics-group', 'inventory-events'],
] as const

/** Records that some consumer has not committed yet. */
async function lagOf(probe: KafkaProbe): Promise<number> {
  const lags = await Promise.all(GROUPS.map(([group, topic]) => probe.lag(group, topic)))
  return lags.flat().reduce((sum, { lag }) => sum + lag, 0)
}

interface TopicRun {
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

function reckonTopic({ topic, ...spec }: TopicSpec, run: TopicRun): Complaint[] {
  const { before, after } = run
  const sent = judged(judgeOf({ topic, ...spec }), run.sent)
  const events = sent.flatMap(({ event }) => event ?? [])
  // What inventory announces follows from orders alone.
  const announced =
    topic === 'order-events' ? run.announced.map(({ value }) => JSON.parse(String(value)) as KnownEvent) : []
  return [
    ...reckonDeadLetters(sent, lettersOf(topic, run)),
    ...(topic === 'order-events' ? reckonDecisions(sent, { announced, decidedBefore: before.orders }) : []),
    ...reckonStock(before.stock, announced, after.stock),
    ...difference('orders', [...before.orders, ...events.map(({ data }) => data.order_id)], after.orders),
    ...reckonTotals(run.log, after),
    ...reckonPoison(topic, sent.length - events.length, run),
  ]
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

/** Everything that the topics hold, by their names. */
type Log = Record<string, TopicRecord[]>

const TOTALS = {
  OrderPlaced: 'orders_total',
  InventoryReserved: 'reserved_total',
  InventoryFailed: 'failed_total',
} as const

/**
 * Analytics counts an id once. Events of two types may carry the same one, the nil UUID for instance, and which of them is
 * read first is open: so all ids together have to be right, and each total lies between its own ids and those it may share.
 */
function reckonTotals(log: Log, { counted }: TopicState): Complaint[] {
  const events = TOPICS.flatMap((spec) => eventsIn(spec, log))
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

function eventsIn({ topic, ...spec }: TopicSpec, log: Log): KnownEvent[] {
  const judge = judgeOf({ topic, ...spec })
  return (log[topic] ?? []).flatMap(
    ({ key, value }) => judge({ kind: '', key, body: value, properties: {}, headers: {} }) ?? [],
  )
}

/** Poison of `order-events` is skipped by analytics, because the inventory dead-letters it. */
function reckonPoison(
  topic: string,
  poison: number,
  { before, after }: { before: TopicState; after: TopicState },
) {
  const { skipped, dead_lettered } = before.counted.poison
  const expected =
    topic === 'order-events'
      ? { skipped: skipped + poison, dead_lettered }
      : { skipped, dead_lettered: dead_lettered + poison }
  return unequal('poison that analytics counts', expected, after.counted.poison)
}
