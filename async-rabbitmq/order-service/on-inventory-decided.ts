import type { InventoryEvent } from '@lab/common/domain/events.ts'
import type { Logger } from '@lab/common/kit/log.ts'
import type { Metrics } from '@lab/common/kit/metrics.ts'
import type { OrderStore } from '@lab/common/kit/order-store.ts'
import type { OrderStream } from '@lab/common/kit/order-stream.ts'
import { ack, duplicate, type Outcome } from '@lab/common/kit/outcome.ts'
import type { Store } from '@lab/common/kit/store.ts'

export interface OnInventoryDecidedDeps {
  store: Store
  orders: OrderStore
  stream: OrderStream
  metrics: Metrics
  log: Logger
  now: () => number
}

/**
 * Consumes `InventoryReserved` and `InventoryFailed`: the order takes the status that was decided. Always acknowledged: a
 * status that is reached already is a duplicate, and an order this store has never seen (it was in memory, and is gone)
 * would not appear by waiting.
 */
export function onInventoryDecided({ store, orders, stream, metrics, log, now }: OnInventoryDecidedDeps) {
  const advance = ({ data }: InventoryEvent) =>
    orders.advance(data.order_id, data.status, data.status === 'failed' ? data.reason : undefined)

  return (events: InventoryEvent[]): Outcome[] => {
    const moved = store.transaction(() => events.map(advance))
    const at = now() / 1_000
    const news = events.filter((_, i) => moved[i])
    stream.publish(news.map(({ data }) => ({ order_id: data.order_id, status: data.status, at })))
    for (const { id, data } of news) {
      metrics.orderReached(data.status)
      log.info({ order_id: data.order_id, message_id: id, status: data.status }, 'order decided')
    }
    for (const { id, data } of events.filter((_, i) => !moved[i])) {
      if (orders.get(data.order_id)) continue
      metrics.orderReached('unknown')
      log.warn({ order_id: data.order_id, message_id: id }, 'decision for an order this store does not know')
    }
    return moved.map((hasMoved) => (hasMoved ? ack() : duplicate()))
  }
}
