import type { InventoryEvent } from '@lab/common/domain/events.ts'
import type { OrderStore } from '@lab/common/order-store.ts'
import type { OrderStream } from '@lab/common/order-stream.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { ack, duplicate, type Outcome } from '@lab/kit/outcome.ts'
import type { Store } from '@lab/kit/store.ts'
import type { DeadLetters } from './dead-letters.ts'

export interface OnInventoryDecidedDeps {
  store: Store
  orders: OrderStore
  deadLetters: Pick<DeadLetters, 'decided'>
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
export function onInventoryDecided(deps: OnInventoryDecidedDeps) {
  const { store, orders, deadLetters, stream, metrics, log, now } = deps
  const advance = ({ data }: InventoryEvent) => {
    deadLetters.decided(data.order_id)
    return orders.advance(data.order_id, data.status, data.status === 'failed' ? data.reason : undefined)
  }

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
