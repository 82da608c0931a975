import {
  CONTENT_TYPE,
  InventoryEvent,
  type OrderEvent,
  OrderPlaced,
  sameOrder,
} from '@lab/common/domain/events.ts'
import { readUuidAt, UUID_LENGTH } from '@lab/common/uuid-index.ts'
import type { KafkaMessage, Message } from 'kafkajs'
import type { z } from 'zod'
import { EventValue, FramedEvent, readPlain } from './plain-event.ts'
import { type Span, spanOf, type Written } from './record-batch.ts'

/** A record as it is read. */
export type LogMessage = KafkaMessage & {
  /** Why it stands in for a batch that is none (`kit/kafkajs-decoding.ts`). */
  unreadable?: string
  /** Where key and value are, and the timestamp as a number, as records of our own decoder have them ready. */
  keySpan?: Span | null
  valueSpan?: Span | null
  time?: number
}
/** A record as it is written. */
export type { Message } from 'kafkajs'

type Body = Pick<LogMessage, 'key' | 'value' | 'unreadable' | 'keySpan' | 'valueSpan'>

function keyIn(message: Body): Span | null {
  const ready = message.keySpan
  return ready === undefined ? ofBytes(message.key) : ready
}

function valueIn(message: Body): Span | null {
  const ready = message.valueSpan
  return ready === undefined ? ofBytes(message.value) : ready
}

const ofBytes = (bytes: Buffer | null) => bytes && spanOf(bytes)

/** Reads a key that is the text of a UUID into the words of one; answers false when it is not. */
export function readKey(message: Body, words: Uint32Array): boolean {
  const key = keyIn(message)
  return key !== null && key.to - key.from === UUID_LENGTH && readUuidAt(key.bytes, key.from, words)
}

/** When the log got it, milliseconds since the epoch. */
export const timeOf = (message: Pick<LogMessage, 'time' | 'timestamp'>): number =>
  message.time ?? Number(message.timestamp)

/** The largest event a CloudEvents consumer has to accept. */
export const MAX_EVENT_BYTES = 64 * 1024

const MAX_REASON = 300

/** An event as a Kafka record: the key is the order, so one order's events keep their order. */
export const toMessage = (event: OrderEvent): Message => ({
  key: event.subject,
  // Neither text nor bytes to kafkajs, which looks at none of them: our own encoder writes it.
  value: new EventValue(event) as Written as never,
  headers: { ce_id: event.id, ce_type: event.type, 'content-type': CONTENT_TYPE },
})

export type Decoded<Event> = { event: Event } | { event?: never; reason: string }

/** Reads a record of `order-events`, or says why it will never be an order. Never throws. */
export const decodeOrderPlaced = (message: Body): Decoded<OrderPlaced> =>
  decode(message, OrderPlaced, ({ type }) => type === 'OrderPlaced')

/** Reads a record of `inventory-events`, or says why it is not a decision. Never throws. */
export const decodeInventoryEvent = (message: Body): Decoded<InventoryEvent> =>
  decode(message, InventoryEvent, ({ type }) => type !== 'OrderPlaced')

function decode<Event extends OrderEvent>(
  message: Body,
  schema: z.ZodType<Event>,
  isOfTopic: (event: OrderEvent) => boolean,
): Decoded<Event> {
  if (message.unreadable !== undefined) return { reason: message.unreadable.slice(0, MAX_REASON) }
  const value = valueIn(message)
  if (value === null) return { reason: 'no value' }
  const length = value.to - value.from
  if (length > MAX_EVENT_BYTES) return { reason: `${length} bytes, the limit is ${MAX_EVENT_BYTES}` }
  const plain = readPlain(value)
  const key = keyIn(message)
  if (plain && isOfTopic(plain)) return ofKey(key, plain as Event)
  const body = parseJson(message.value as Buffer)
  if (body === undefined) return { reason: 'not JSON' }
  const parsed = schema.safeParse(body)
  if (!parsed.success) return { reason: `schema: ${describe(parsed.error)}` }
  return ofKey(key, parsed.data)
}

function ofKey<Event extends OrderEvent>(key: Span | null, event: Event): Decoded<Event> {
  if (key !== null && event instanceof FramedEvent && event.isOf(key)) return { event }
  if (!sameOrder(event)) return { reason: 'subject and data.order_id differ' }
  if (key === null) return { reason: 'no key' }
  if (key.bytes.toString('latin1', key.from, key.to).toLowerCase() !== event.subject)
    return { reason: 'key and order_id differ' }
  return { event }
}

function parseJson(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString())
  } catch {
    // JSON has no `undefined`, so it stands for "not JSON"; the caller gives the reason.
    return undefined
  }
}

const describe = ({ issues }: z.ZodError) =>
  issues
    .map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
    .join('; ')
    .slice(0, MAX_REASON)
