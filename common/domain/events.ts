import { z } from 'zod'
import { eventIdFor } from '../ids.ts'
import { FailureReason, Item, type Order, OrderId, Quantity } from './order.ts'

/**
 * Events are CloudEvents 1.0 in structured JSON: the same body on both brokers, whose native properties repeat only
 * what they route or trace on. Consumers deduplicate on `id`.
 */
const cloudEvent = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({
    specversion: z.literal('1.0'),
    id: z.uuid().describe('Message id; consumers deduplicate on it'),
    source: z.string().min(1).describe('Service that made the event'),
    type: z.literal(type),
    subject: OrderId.describe('The order id'),
    time: z.iso.datetime(),
    datacontenttype: z.literal('application/json').optional(),
    traceparent: z.string().optional(),
    data,
  })

const orderData = { order_id: OrderId, item: Item, quantity: Quantity, timestamp: z.number() }

export const OrderPlaced = cloudEvent('OrderPlaced', z.object({ ...orderData, status: z.literal('placed') }))
export const InventoryReserved = cloudEvent(
  'InventoryReserved',
  z.object({ ...orderData, status: z.literal('reserved') }),
)
export const InventoryFailed = cloudEvent(
  'InventoryFailed',
  z.object({ ...orderData, status: z.literal('failed'), reason: FailureReason }),
)
export const InventoryEvent = z.discriminatedUnion('type', [InventoryReserved, InventoryFailed])

export type OrderPlaced = z.infer<typeof OrderPlaced>
export type InventoryReserved = z.infer<typeof InventoryReserved>
export type InventoryFailed = z.infer<typeof InventoryFailed>
export type InventoryEvent = z.infer<typeof InventoryEvent>
export type OrderEvent = OrderPlaced | InventoryEvent

export const CONTENT_TYPE = 'application/cloudevents+json'

interface Origin {
  id: string
  source: string
  /** Milliseconds since the epoch. */
  now: number
  traceparent?: string | undefined
}

export function orderPlaced(order: Order, origin: Origin): OrderPlaced {
  return cloudEventOf('OrderPlaced', { ...orderFields(order), status: 'placed' }, origin)
}

export type Decision = { status: 'reserved' } | { status: 'failed'; reason: FailureReason }

/**
 * The event a decision becomes. Its id follows from the order id, so deciding the same order again gives
 * recognisably the same event.
 */
export function inventoryDecided(
  order: OrderPlaced['data'],
  decision: Decision,
  { source, now, traceparent }: Omit<Origin, 'id'>,
): InventoryEvent {
  const origin = { id: eventIdFor('inventory', order.order_id), source, now, traceparent }
  const { status } = decision
  if (status === 'reserved')
    return cloudEventOf('InventoryReserved', { ...orderFields(order), status }, origin)
  return cloudEventOf('InventoryFailed', { ...orderFields(order), status, reason: decision.reason }, origin)
}

const orderFields = ({ order_id, item, quantity, timestamp }: Omit<Order, 'status'>) => ({
  order_id,
  item,
  quantity,
  timestamp,
})

function cloudEventOf<Type extends string, Data extends { order_id: string }>(
  type: Type,
  data: Data,
  { id, source, now, traceparent }: Origin,
) {
  const head = {
    specversion: '1.0' as const,
    id,
    source,
    type,
    subject: data.order_id,
    time: isoTime(now),
    datacontenttype: 'application/json' as const,
  }
  return traceparent === undefined ? { ...head, data } : { ...head, traceparent, data }
}

let last = { now: 0, text: new Date(0).toISOString() }

/** Events are made in bursts: many are of the same millisecond. */
function isoTime(now: number): string {
  if (now !== last.now) last = { now, text: new Date(now).toISOString() }
  return last.text
}

/** `data.order_id` and `subject` must be the same order: a body whose halves disagree is malformed. */
export function sameOrder(event: OrderEvent): boolean {
  return event.subject === event.data.order_id
}
