import { randomUUID } from 'node:crypto'
import { z } from 'zod'

export const TOPICS = {
  user: 'user.events',
  menu: 'menu.events',
  order: 'order.events',
  bill: 'bill.events',
} as const

const cents = z.int().min(0).max(999_999_999)
const time = z.iso.datetime({ offset: true })
export const ORDER_STATUSES = ['placed', 'preparing', 'ready', 'delivered', 'cancelled'] as const
export const OrderStatus = z.enum(ORDER_STATUSES)
export type OrderStatus = z.infer<typeof OrderStatus>

export const UserCreated = z
  .object({ user_id: z.uuid(), email: z.string(), role: z.string(), created_at: time })
  .meta({ id: 'UserCreated' })
export const MenuUpdated = z
  .object({ restaurant_id: z.uuid(), owner_id: z.uuid(), version: z.int(), is_deleted: z.boolean() })
  .meta({ id: 'MenuUpdated' })
export const OrderPlaced = z
  .object({
    order_id: z.uuid(),
    user_id: z.uuid(),
    email: z.string(),
    restaurant_id: z.uuid(),
    owner_id: z.uuid(),
    items: z
      .array(
        z.object({
          order_item_id: z.uuid(),
          food_id: z.uuid(),
          food_name: z.string(),
          quantity: z.int().min(1).max(1_000_000),
          unit_price_cents: cents,
          total_price_cents: cents,
        }),
      )
      .min(1),
    total_cents: cents,
    status: z.literal('placed'),
    created_at: time,
  })
  .meta({ id: 'OrderPlaced' })
export const OrderStatusUpdated = z
  .object({ order_id: z.uuid(), status: OrderStatus, updated_at: time })
  .meta({ id: 'OrderStatusUpdated' })
export const Bill = z
  .object({
    bill_id: z.uuid(),
    order_id: z.uuid(),
    user_id: z.uuid(),
    restaurant_id: z.uuid(),
    owner_id: z.uuid(),
    subtotal_cents: cents,
    tax_cents: cents,
    total_cents: cents,
    payment_status: z.enum(['unpaid', 'paid', 'cancelled']),
    created_at: time,
    paid_at: time.nullable(),
  })
  .meta({ id: 'Bill' })
export type OrderPlaced = z.infer<typeof OrderPlaced>
export type Bill = z.infer<typeof Bill>

const envelope = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({
    specversion: z.literal('1.0'),
    id: z.uuid().describe('Consumers know by it what they have had'),
    source: z.string().min(1).describe('The service that tells it'),
    type: z.literal(type),
    subject: z.string().describe('The id of what it is about, and the key of the record'),
    time: time,
    datacontenttype: z.literal('application/json').optional(),
    traceparent: z.string().optional(),
    data,
  })

export const UserEvent = envelope('user.created', UserCreated)
export const MenuEvent = envelope('menu.updated', MenuUpdated)
export const OrderEvent = z.discriminatedUnion('type', [
  envelope('order.placed', OrderPlaced),
  envelope('order.status_updated', OrderStatusUpdated),
])
export const BillEvent = z.discriminatedUnion('type', [
  envelope('bill.created', Bill),
  envelope('bill.paid', Bill),
  envelope('bill.cancelled', Bill),
])
export type OrderEvent = z.infer<typeof OrderEvent>
export type BillEvent = z.infer<typeof BillEvent>
export type AnyEvent = OrderEvent | BillEvent | z.infer<typeof UserEvent> | z.infer<typeof MenuEvent>

/** An event that happens now, about `subject`, whose id is the key of the record. */
export function newEvent<Type extends AnyEvent['type']>({
  type,
  source,
  subject,
  data,
  traceparent,
}: {
  type: Type
  source: string
  subject: string
  data: Extract<AnyEvent, { type: Type }>['data']
  traceparent?: string | undefined
}) {
  return {
    specversion: '1.0' as const,
    id: randomUUID(),
    source,
    type,
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json' as const,
    ...(traceparent !== undefined && { traceparent }),
    data,
  }
}
