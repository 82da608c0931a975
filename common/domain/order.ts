import { z } from 'zod'

export const ITEMS = ['burger', 'pizza', 'salad'] as const
export const Item = z.enum(ITEMS).describe('What is ordered')
export type Item = z.infer<typeof Item>

/** Upper and lower case are the same UUID, so the same order: kept in lower case, it is found again by its text. */
export const OrderId = z.uuid().toLowerCase()

/** A bound on what is read, not on what there is: more than the stock is for the inventory to refuse. */
export const MAX_QUANTITY = 10_000
export const Quantity = z.int().min(1).max(MAX_QUANTITY).describe('How many, 1 to 10,000')

/** Why an order failed. `out_of_stock` is a decision; the others are outcomes of a broken call. */
export const FailureReason = z.enum([
  'out_of_stock',
  'inventory_unavailable',
  'inventory_error',
  'timeout',
  'not_accepted',
])
export type FailureReason = z.infer<typeof FailureReason>

export const OrderStatus = z.enum(['placed', 'reserved', 'failed', 'notified', 'timeout'])
export type OrderStatus = z.infer<typeof OrderStatus>

/** The body of `POST /order`. Unknown keys are refused, so a typo never goes unnoticed. */
export const PlaceOrder = z
  .strictObject({ item: Item, quantity: Quantity })
  .meta({ id: 'PlaceOrder', examples: [{ item: 'burger', quantity: 2 }] })
export type PlaceOrder = z.infer<typeof PlaceOrder>

export const Order = z
  .object({
    order_id: OrderId,
    item: Item,
    quantity: Quantity,
    status: OrderStatus,
    timestamp: z.number().describe('When the order was placed, seconds since the epoch'),
    reason: FailureReason.optional().describe('Why the order failed'),
  })
  .meta({
    id: 'Order',
    examples: [
      {
        order_id: '019aa000-0000-7000-8000-000000000000',
        item: 'burger',
        quantity: 2,
        status: 'placed',
        timestamp: 1_764_288_000.25,
      },
    ],
  })
export type Order = z.infer<typeof Order>

/** A new order, nothing decided yet. `now` in milliseconds since the epoch. */
export function placed(command: PlaceOrder, order_id: string, now: number): Order {
  return { order_id, item: command.item, quantity: command.quantity, status: 'placed', timestamp: now / 1000 }
}

const RANK: Record<OrderStatus, number> = { placed: 0, timeout: 1, reserved: 2, failed: 2, notified: 3 }

/**
 * Whether an order may go from one status to another. A status never goes backwards, so a late or repeated
 * message cannot undo a decision: placed → timeout → reserved | failed, reserved → notified.
 */
export function canBecome(from: OrderStatus, to: OrderStatus): boolean {
  if (from === 'failed') return false
  if (to === 'notified') return from === 'reserved' || from === 'placed'
  return RANK[to] > RANK[from]
}

/** Decided for good: nothing moves this order's stock any more. `timeout` is not terminal: its outcome is still unknown. */
export const isTerminal = (status: OrderStatus): boolean => RANK[status] >= 2
