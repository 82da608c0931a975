import {
  CONTENT_TYPE,
  InventoryEvent,
  type OrderEvent,
  OrderPlaced,
  sameOrder,
} from '@lab/common/domain/events.ts'
import type { KafkaMessage, Message } from 'kafkajs'
import type { z } from 'zod'

/** A record as it is read. */
export type LogMessage = KafkaMessage
/** A record as it is written. */
export type { Message } from 'kafkajs'

type Body = Pick<LogMessage, 'key' | 'value'>

/** The largest event a CloudEvents consumer has to accept. */
export const MAX_EVENT_BYTES = 64 * 1024

const MAX_REASON = 300

/** An event as a Kafka record: the key is the order, so one order's events keep their order. */
export const toMessage = (event: OrderEvent): Message => ({
  key: event.subject,
  value: JSON.stringify(event),
  headers: { ce_id: event.id, ce_type: event.type, 'content-type': CONTENT_TYPE },
})

export type Decoded<Event> = { event: Event } | { event?: never; reason: string }

/** Reads a record of `order-events`, or says why it will never be an order. Never throws. */
export const decodeOrderPlaced = (message: Body): Decoded<OrderPlaced> => decode(message, OrderPlaced)

/** Reads a record of `inventory-events`, or says why it is not a decision. Never throws. */
export const decodeInventoryEvent = (message: Body): Decoded<InventoryEvent> =>
  decode(message, InventoryEvent)

function decode<Event extends OrderEvent>({ key, value }: Body, schema: z.ZodType<Event>): Decoded<Event> {
  if (value === null) return { reason: 'no value' }
  if (value.length > MAX_EVENT_BYTES)
    return { reason: `${value.length} bytes, the limit is ${MAX_EVENT_BYTES}` }
  const body = parseJson(value)
  if (body === undefined) return { reason: 'not JSON' }
  const parsed = schema.safeParse(body)
  if (!parsed.success) return { reason: `schema: ${describe(parsed.error)}` }
  const event = parsed.data
  if (!sameOrder(event)) return { reason: 'subject and data.order_id differ' }
  if (key === null) return { reason: 'no key' }
  if (key.toString().toLowerCase() !== event.subject) return { reason: 'key and order_id differ' }
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
