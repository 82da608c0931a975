import { CONTENT_TYPE } from '@lab/common/domain/events.ts'
import fc from 'fast-check'
import type { ValidOptions } from '../json/valid.ts'
import { weirdString } from '../json/weird.ts'
import type { MessageCase, Verdict } from './case.ts'
import { createReader, type EventBody, type EventName, eventBodies } from './events.ts'

/** A queue by the keys that lead to it and the events its consumer knows. */
export interface QueueSpec {
  queue: string
  keys: string[]
  knows: EventName[]
}

export const QUEUES: QueueSpec[] = [
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
export function rabbitCases({ keys, knows }: QueueSpec, options: ValidOptions): fc.Arbitrary<MessageCase> {
  const known = fc.constantFrom(...knows)
  const any = fc.constantFrom<EventName>('OrderPlaced', 'InventoryReserved', 'InventoryFailed')
  const name = fc.oneof({ weight: 12, arbitrary: known }, { weight: 1, arbitrary: any })
  const bodies = Object.fromEntries(
    (['OrderPlaced', 'InventoryReserved', 'InventoryFailed'] as const).map((event) => [
      event,
      eventBodies(event, options),
    ]),
  )
  const body = name.chain((event) => bodies[event]!)
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
  const odd = [body.change, change.name, Object.keys(headers).length > 0 ? 'headers' : ''].filter(
    (text) => text !== '' && text !== 'valid',
  )
  return {
    kind: odd.length === 0 ? 'valid' : odd.join(' + '),
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
export function rabbitOracle({ knows }: QueueSpec): (message: MessageCase) => Verdict {
  const read = createReader(knows)
  return ({ body, properties }) => {
    const event = read(body)
    if (!event || event.id !== properties.messageId) return { kind: 'poison' }
    if (properties.type !== undefined && properties.type !== event.type) return { kind: 'poison' }
    return { kind: 'event', event }
  }
}
