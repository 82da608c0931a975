import { CONTENT_TYPE } from '@lab/common/domain/events.ts'
import type { Order } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { counterIn } from '@lab/kit/counter-in.ts'
import fc from 'fast-check'
import type { PartClient, Role } from '../../parts/client.ts'
import { type Captured, openFlood } from '../../probes/rabbit.ts'
import type { ValidOptions } from '../generate.ts'
import type { Complaint } from '../http/judge.ts'
import type { Finding } from '../results.ts'
import { weirdString } from '../weird.ts'
import {
  anyEvent,
  CASE,
  createReader,
  type EventBody,
  type EventName,
  type KnownEvent,
  kindOf,
  type MessageCase,
  type Numbered,
  type Verdict,
} from './cases.ts'
import type { Consumer } from './consumers.ts'
import {
  type DeadLetter,
  difference,
  distinct,
  eventsOf,
  reckonDeadLetters,
  reckonDecisions,
  reporter,
  type Sent,
  stockAfter,
  unequal,
} from './reckon.ts'

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
function rabbitCases({ keys, knows }: QueueSpec, options: ValidOptions): fc.Arbitrary<MessageCase> {
  const body = anyEvent(knows, options)
  return fc.record({ body, key: fc.constantFrom(...keys), change: propertyChange, headers }).map(messageOf)
}

interface Drawn {
  body: EventBody
  key: string
  change: PropertyChange
  headers: Record<string, unknown>
}

type PropertyChange = {
  name: string
  change: (properties: MessageCase['properties']) => MessageCase['properties']
}

function messageOf({ body, key, change, headers }: Drawn): MessageCase {
  const { id, type, order_id } = body.was
  const repeated = { messageId: id, type, contentType: CONTENT_TYPE, correlationId: order_id }
  return {
    kind: kindOf(body.change, change.name, Object.keys(headers).length > 0 ? 'headers' : ''),
    body: body.bytes,
    key,
    properties: change.change(repeated),
    headers,
  }
}

const propertyChange: fc.Arbitrary<PropertyChange> = fc.oneof(
  { weight: 14, arbitrary: fc.constant<PropertyChange>({ name: '', change: (properties) => properties }) },
  {
    weight: 1,
    arbitrary: fc.constant<PropertyChange>({
      name: 'no message id',
      change: ({ messageId, ...others }) => others,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<PropertyChange>({ name: 'no type', change: ({ type, ...others }) => others }),
  },
  {
    weight: 1,
    arbitrary: shortText.map(
      (messageId): PropertyChange => ({ name: 'message id', change: (all) => ({ ...all, messageId }) }),
    ),
  },
  {
    weight: 1,
    arbitrary: shortText.map(
      (type): PropertyChange => ({ name: 'type property', change: (all) => ({ ...all, type }) }),
    ),
  },
  {
    weight: 1,
    arbitrary: shortText.map(
      (contentType): PropertyChange => ({ name: 'content type', change: (all) => ({ ...all, contentType }) }),
    ),
  },
  {
    weight: 1,
    arbitrary: shortText.map(
      (correlationId): PropertyChange => ({
        name: 'correlation id',
        change: (all) => ({ ...all, correlationId }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .nat(255)
      .map((priority): PropertyChange => ({ name: 'priority', change: (all) => ({ ...all, priority }) })),
  },
)

/** Headers that a client may set, among them those that the services write on copies and those of the broker. */
const headerValue = fc.oneof(
  shortText,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => ({ '!': 'double', value })),
  fc.constantFrom<unknown>(
    { '!': 'float', value: 1.5 },
    { '!': 'timestamp', value: 2 ** 40 },
    { '!': 'decimal', value: { places: 2, digits: 7 } },
  ),
  fc.boolean(),
  fc.constantFrom<unknown>(
    { '!': 'double', value: -1e300 },
    { '!': 'int64', value: 2 ** 62 },
    'k'.repeat(300),
    'y'.repeat(30_000),
  ),
  fc.constantFrom<unknown>(
    null,
    [],
    {},
    [1, 'a', null],
    { a: { b: [{}] } },
    Number.MAX_SAFE_INTEGER,
    -1,
    1e9,
    Buffer.from([0, 255]),
  ),
)
const headerName = fc.oneof(
  fc.constantFrom(
    'x-attempts',
    'x-reason',
    'x-origin-queue',
    'x-original-routing-key',
    'x-origin-delivery',
    'x-delivery-count',
  ),
  fc.constantFrom('x-death', 'x-first-death-queue', 'x-retry', 'traceparent', '__proto__', 'constructor'),
  shortText.filter((text) => text !== ''),
)
const headers = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.tuple(headerName, headerValue), { minLength: 1, maxLength: 4 })
      .map((entries) => Object.fromEntries(entries)),
  },
)

/** What the consumer of `queue` must make of a message. */
function rabbitOracle({ knows }: QueueSpec): (message: MessageCase) => Verdict {
  const read = createReader(knows)
  return ({ body, properties }) => {
    const event = read(body)
    if (!event || event.id !== properties.messageId) return { kind: 'poison' }
    if (properties.type !== undefined && properties.type !== event.type) return { kind: 'poison' }
    return { kind: 'event', event }
  }
}

export const queues: Consumer[] = QUEUES.map((spec) => ({
  target: `consumer of ${spec.queue}`,
  messages: (ids) => rabbitCases(spec, { components: {}, ids }),
  judge: rabbitOracle(spec),
  async open({ part, client }) {
    const flood = await openFlood(part.rabbit!)
    const letters = await flood.drain('dlq_queue')
    const decisions = spec.queue === 'inventory_queue' ? await flood.copy('inventory.*') : { taken: [] }
    const before = await readQueueState(client)
    const left = async (sent: Numbered[]) => {
      const keys = [
        ...sent.map(({ message }) => message.key),
        ...decisions.taken.map((one) => one.routingKey),
      ]
      // What inventory decides goes on to order-service, and what it reserves to notification-service as well.
      const deliveries = keys.reduce((sum, key) => sum + queuesOf(key).length, 0)
      return deliveries - ((await settledSoFar(client)) - before.settled)
    }
    return {
      send: (messages) =>
        flood.publishAll(
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
          target: `consumer of ${spec.queue}`,
          sent,
          letters: letters.taken,
          decisions: decisions.taken,
          before,
          after: await readQueueState(client),
        }),
      [Symbol.asyncDispose]: () => flood[Symbol.asyncDispose](),
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
  target: string
  sent: Numbered[]
  letters: Captured[]
  /** What inventory published meanwhile; only looked at when its own queue was fuzzed. */
  decisions: Captured[]
  before: QueueState
  after: QueueState
}

/** A message may lead to two queues: each consumer judges it for itself, and what it refuses is a dead letter of its own. */
function reckonQueue(spec: QueueSpec, run: QueueRun): Finding[] {
  const { target, sent, letters, before, after } = run
  const decisions = run.decisions.map(({ body }) => JSON.parse(body.toString()) as KnownEvent)
  const perQueue = new Map(QUEUES.map((queue) => [queue.queue, judged(queue, sent)]))
  const findings = [...perQueue].flatMap(([queue, judgedHere]) =>
    reckonDeadLetters(judgedHere, lettersOf(queue, letters), reporter(target)),
  )
  if (spec.queue === 'inventory_queue') {
    const decidedBefore = new Set(before.orders.map(({ order_id }) => order_id))
    findings.push(
      ...reckonDecisions(
        perQueue.get(spec.queue)!,
        { announced: decisions, decidedBefore },
        reporter(target),
      ),
    )
  }
  const reserved = distinct(decisions).filter(({ type }) => type === 'InventoryReserved')
  const notifiedNow = [...reserved, ...eventsOf(perQueue.get('notification_queue')!)].map(
    ({ data }) => data.order_id,
  )
  const complaints: Complaint[] = [
    ...unequal(
      'stock is moved by something else',
      stockAfter(
        before.stock,
        reserved.map(({ data }) => data),
      ),
      after.stock,
    ),
    ...unequal('orders have changed', before.orders, after.orders),
    ...difference('notifications', [...before.notified, ...notifiedNow], after.notified),
  ]
  return [...findings, ...complaints.map((complaint) => ({ target, ...complaint, count: 0 }))]
}

function judged(queue: QueueSpec, sent: Numbered[]): Sent[] {
  const judge = rabbitOracle(queue)
  return sent
    .filter(({ message }) => queue.keys.includes(message.key ?? ''))
    .map(({ at, message }) => ({ at, message, verdict: judge(message) }))
}

/** The queue itself may have dead-lettered one; then the broker says why. */
const lettersOf = (queue: string, letters: Captured[]): DeadLetter[] =>
  letters.flatMap(({ properties: { headers = {} } }) => {
    const origin = headers['x-origin-queue'] ?? headers['x-first-death-queue']
    return origin === queue ? [{ at: Number(headers[CASE]), reason: String(headers['x-reason'] ?? '') }] : []
  })
