import type { InventoryReserved } from '@lab/common/domain/events.ts'
import type { NotificationStore } from '@lab/common/notification-store.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { ack, duplicate, type Outcome } from '@lab/kit/outcome.ts'
import type { Store } from '@lab/kit/store.ts'

export interface OnInventoryReservedDeps {
  store: Store
  notifications: NotificationStore
  metrics: Metrics
  log: Logger
  now: () => number
}

/** Consumes `InventoryReserved`: notifies each order once, however often its event arrives. Publishes nothing. */
export function onInventoryReserved({ store, notifications, metrics, log, now }: OnInventoryReservedDeps) {
  return (events: InventoryReserved[]): Outcome[] => {
    const at = now() / 1_000
    const isFirst = store.transaction(() =>
      events.map(({ data }) => notifications.add({ ...data, status: data.status, at })),
    )
    for (const { id, data } of events.filter((_, i) => isFirst[i])) {
      metrics.orderReached('notified')
      log.info({ order_id: data.order_id, message_id: id, item: data.item }, 'notification sent')
    }
    return isFirst.map((first) => (first ? ack() : duplicate()))
  }
}
