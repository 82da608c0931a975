import type { Bill, OrderPlaced } from '../../shared/events/events.ts'
import { BILL_VERSION, type BillRow, ORDER_VERSION, type OrderItemRow, type OrderRow } from './tables.ts'

/** The row of an order, and those of its lines, as it was placed. */
export function orderRows(order: OrderPlaced): { order: OrderRow; items: OrderItemRow[] } {
  const { order_id, user_id, restaurant_id, owner_id } = order
  const common = { order_id, created_at: secondsOf(order.created_at), event_date: dateOf(order.created_at) }
  return {
    order: {
      ...common,
      user_id,
      restaurant_id,
      owner_id,
      total_amount: decimal(order.total_cents),
      status: 'placed',
      updated_at: common.created_at,
      version: ORDER_VERSION.placed!,
    },
    items: order.items.map((item) => ({
      ...common,
      order_item_id: item.order_item_id,
      food_id: item.food_id,
      food_name: item.food_name,
      quantity: item.quantity,
      unit_price: decimal(item.unit_price_cents),
      total_price: decimal(item.total_price_cents),
    })),
  }
}

/** The order in another status; the same row where it is not a later one. */
export function inStatus(row: OrderRow, status: string, at: string): OrderRow {
  const version = ORDER_VERSION[status] ?? 0
  return version > row.version ? { ...row, status, version, updated_at: secondsOf(at) } : row
}

export function billRow(bill: Bill): BillRow {
  return {
    bill_id: bill.bill_id,
    order_id: bill.order_id,
    user_id: bill.user_id,
    restaurant_id: bill.restaurant_id,
    owner_id: bill.owner_id,
    subtotal: decimal(bill.subtotal_cents),
    tax: decimal(bill.tax_cents),
    total: decimal(bill.total_cents),
    payment_status: bill.payment_status,
    created_at: secondsOf(bill.created_at),
    paid_at: bill.paid_at === null ? null : secondsOf(bill.paid_at),
    event_date: dateOf(bill.created_at),
    version: BILL_VERSION[bill.payment_status]!,
  }
}

const decimal = (cents: number) => `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
const secondsOf = (time: string) => Math.floor(Date.parse(time) / 1_000)
/** In UTC. */
const dateOf = (time: string) => new Date(time).toISOString().slice(0, 10)
