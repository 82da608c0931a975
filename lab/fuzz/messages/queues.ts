import { CONTENT_TYPE } from '@lab/common/domain/events.ts'
import type { Order } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { counterIn } from '@lab/kit/counter-in.ts'
import fc from 'fast-check'
import type { PartClient, Role } from '../../parts/client.ts'
import { type Captured, openRabbitProbe } from '../../probes/rabbit.ts'
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
  reservedIn,
  type Sent,
  unequal,
} from './consumers.ts'

/** A queue by the keys that lead to it and the events its consumer knows. */
interface QueueSpec {
  queue: string
  keys: string[]
  knows: EventName[]
}

const QUEUES: QueueSpec[] = [
  { queue: 'inventory_queue', keys: ['order.placed'], knows: ['OrderPlaced'] },
  { queue: 'notification_queue', keys: ['inventory.reserved'], knows: ['InventoryReserved'] },
  {
    queue: 'order_status_queue',
    keys: ['inventory.reserved', 'inventory.failed', 'inventory.other'],
    knows: ['InventoryReserved', 'InventoryFailed'],
  },
]

/** AMQP has 255 bytes for a property. */
const shortText = weirdString.map((text) =>
  Buffer.from(text).subarray(0, 200).toString().replaceAll('\ufffd', '?').slice(0, 60),
)

/** Messages to one queue: every event of the lab, changed or not, with properties that repeat it or do not. */
const rabbitCases = ({ keys, knows }: QueueSpec, ids: string[]): fc.Arbitrary<MessageCase> =>
  fc
    .record({ body: anyEvent(knows, ids), key: fc.constantFrom(...keys), change: propertyChange, headers })
    .map(({ body, key, change, headers }) => {
      const { id, type, order_id } = body.was
      const repeated = { messageId: id, type, contentType: CONTENT_TYPE, correlationId: order_id }
      const properties = Object.entries({ ...repeated, ...change.set })
      return {
        kind: kindOf(body.change, change.name, Object.keys(headers).length > 0 ? 'headers' : ''),
        body: body.bytes,
        key,
        properties: Object.fromEntries(properties.filter(([, value]) => value !== undefined)),
        headers,
      }
    })

interface PropertyChange {
  name: string
  /** Properties that are others, or with undefined are not there. */
  set: Record<string, string | number | undefined>
}

const changed = (name: string, property: string, values: fc.Arbitrary<string | number | undefined>) =>
  values.map((value): PropertyChange => ({ name, set: { [property]: value } }))

const propertyChange = sometimes<PropertyChange>(
  fc.oneof(
    changed('no message id', 'messageId', fc.constant(undefined)),
    changed('no type', 'type', fc.constant(undefined)),
    changed('message id', 'messageId', shortText),
    changed('type property', 'type', shortText),
    changed('content type', 'contentType', shortText),
    changed('correlation id', 'correlationId', shortText),
    changed('priority', 'priority', fc.nat(255)),
  ),
  { name: '', set: {} },
  2,
)

/** As amqplib has them for types that JavaScript does not tell apart. */
const typed = (type: string, value: unknown) => ({ '!': type, value })

const headerValue = fc.oneof(
  shortText,
  fc.integer(),
  fc.boolean(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => typed('double', value)),
  fc.constantFrom<unknown>(
    typed('float', 1.5),
    typed('double', -1e300),
    typed('int64', 2 ** 62),
    typed('timestamp', 2 ** 40),
    typed('decimal', { places: 2, digits: 7 }),
  ),
  fc.constantFrom<unknown>(null, [], {}, [1, 'a', null], { a: { b: [{}] } }, Buffer.from([0, 255])),
  fc.constantFrom<unknown>(Number.MAX_SAFE_INTEGER, -1, 1e9, 'k'.repeat(300), 'y'.repeat(30_000)),
)

/** Headers that a client may set, among them those that the services write on copies and those of the broker. */
const headerName = fc.oneof(
  oneOf(`
    x-attempts x-reason x-origin-queue x-original-routing-key x-origin-delivery x-delivery-count
    x-death x-first-death-queue x-retry traceparent __proto__ constructor`),
  shortText.filter((text) => text !== ''),
)
const headers = sometimes(
  fc
    .array(fc.tuple(headerName, headerValue), { minLength: 1, maxLength: 4 })
    .map((entries): Record<string, unknown> => Object.fromEntries(entries)),
  {},
  5,
)

/** What the consumer of `queue` must make of a message. */
function judgeOf({ knows }: QueueSpec): Judge {
  const read = createReader(knows)
  return ({ body, properties: { messageId, type } }) => {
    const event = read(body)
    if (event?.id !== messageId) return undefined
    return type === undefined || type === event?.type ? event : undefined
  }
}

export const queues: Consumer[] = QUEUES.map((spec) => ({
  target: `consumer of ${spec.queue}`,
  messages: (ids) => rabbitCases(spec, ids),
  judge: judgeOf(spec),
  async open({ part, client }) {
    const probe = await openRabbitProbe(part.rabbit!)
    const letters = await probe.drain('dlq_queue')
    const decisions = spec.queue === 'inventory_queue' ? (await probe.tap('inventory.*')).messages : []
    const before = await readQueueState(client)
    const left = async (sent: Numbered[]) => {
      const keys = [...sent.map(({ message }) => message.key), ...decisions.map((one) => one.routingKey)]
      // What inventory decides goes on to order-service, and what it reserves to notification-service as well.
      const deliveries = keys.reduce((sum, key) => sum + queuesOf(key).length, 0)
      return deliveries - ((await settledSoFar(client)) - before.settled)
    }
    return {
      send: (messages) =>
        probe.publishAll(
          messages.map(({ at, message }) => ({
            routingKey: message.key ?? '',
            body: message.body ?? Buffer.alloc(0),
            properties: { ...message.properties, headers: { ...message.headers, [CASE]: at } },
          })),
        ),
      left,
      stuck: async (sent) => ({
        rule: 'the queues do not drain',
        detail: `${await left(sent)} deliveries are not settled`,
      }),
      reckon: async (sent) =>
        reckonQueue(spec, {
          sent,
          letters,
          decisions,
          before,
          after: await readQueueState(client),
        }),
      [Symbol.asyncDispose]: probe.close,
    }
  },
}))

const queuesOf = (key: string | null): QueueSpec[] => QUEUES.filter(({ keys }) => keys.includes(key ?? ''))

/** What messages may change, and how many of them were settled. */
interface QueueState {
  stock: Stock
  orders: Order[]
  notified: string[]
  settled: number
}

async function readQueueState(client: PartClient): Promise<QueueState> {
  const notifications = await client.notifications()
  return {
    stock: await client.stock(),
    orders: await client.orders(),
    notified: notifications.map(({ order_id }) => order_id),
    settled: await settledSoFar(client),
  }
}

const ROLES: Role[] = ['order', 'inventory', 'third']

/** Messages that any consumer has settled in any way, as the services count them. */
async function settledSoFar(client: PartClient): Promise<number> {
  const texts = await Promise.all(ROLES.map((role) => client.read(role, '/metrics')))
  return texts.reduce<number>(
    (sum, text) => sum + counterIn(String(text), 'lab_messages_consumed_total', {}),
    0,
  )
}

interface QueueRun {
  sent: Numbered[]
  letters: Captured[]
  /** What inventory published meanwhile; only looked at when its own queue was fuzzed. */
  decisions: Captured[]
  before: QueueState
  after: QueueState
}

/** A message may lead to two queues: each consumer judges it for itself, and what it refuses is a dead letter of its own. */
function reckonQueue(spec: QueueSpec, { sent, letters, before, after, ...run }: QueueRun): Complaint[] {
  const announced = run.decisions.map(({ body }) => JSON.parse(body.toString()) as KnownEvent)
  const perQueue = new Map(QUEUES.map((queue) => [queue.queue, sentTo(queue, sent)]))
  const decidedBefore = new Set(before.orders.map(({ order_id }) => order_id))
  const asked = perQueue.get('notification_queue')!.flatMap(({ event }) => event?.data ?? [])
  const notified = [...reservedIn(announced), ...asked].map(({ order_id }) => order_id)
  return [
    ...[...perQueue].flatMap(([queue, sent]) => reckonDeadLetters(sent, lettersOf(queue, letters))),
    ...(spec.queue === 'inventory_queue'
      ? reckonDecisions(perQueue.get(spec.queue)!, { announced, decidedBefore })
      : []),
    ...reckonStock(before.stock, announced, after.stock),
    ...unequal('orders have changed', before.orders, after.orders),
    ...difference('notifications', [...before.notified, ...notified], after.notified),
  ]
}

const sentTo = (queue: QueueSpec, sent: Numbered[]): Sent[] =>
  judged(
    judgeOf(queue),
    sent.filter(({ message }) => queue.keys.includes(message.key ?? '')),
  )

/** The queue itself may have dead-lettered one; then the broker says why. */
const lettersOf = (queue: string, letters: Captured[]): DeadLetter[] =>
  letters.flatMap(({ properties: { headers = {} } }) => {
    const origin = headers['x-origin-queue'] ?? headers['x-first-death-queue']
    return origin === queue ? [{ at: Number(headers[CASE]), reason: String(headers['x-reason'] ?? '') }] : []
  })
