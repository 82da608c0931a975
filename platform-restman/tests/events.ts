import { randomUUID } from 'node:crypto'
import { newEvent, type OrderEvent, type OrderPlaced, type OrderStatus } from '../shared/events/events.ts'

/** An order as the order service tells it. */
export function placed(overrides: Partial<OrderPlaced> = {}): OrderEvent {
  const order_id = randomUUID()
  const item = {
    order_item_id: randomUUID(),
    food_id: randomUUID(),
    food_name: 'Pizza',
    quantity: 2,
    unit_price_cents: 1_250,
    total_price_cents: 2_500,
  }
  const data: OrderPlaced = {
    order_id,
    user_id: randomUUID(),
    email: 'ada@example.com',
    restaurant_id: randomUUID(),
    owner_id: randomUUID(),
    items: [item],
    total_cents: 2_500,
    status: 'placed',
    created_at: new Date().toISOString(),
    ...overrides,
  }
  return newEvent({ type: 'order.placed', source: 'order-service', subject: order_id, data })
}

/** An order in another status, as the service tells it that decides so. */
export function moved(order_id: string, status: OrderStatus, source = 'kitchen-service'): OrderEvent {
  const data = { order_id, status, updated_at: new Date().toISOString() }
  return newEvent({ type: 'order.status_updated', source, subject: order_id, data })
}

export const cancelled = (order_id: string): OrderEvent => moved(order_id, 'cancelled', 'order-service')
