import { batched } from '@lab/common/kit/batch.ts'
import { createNotificationStore, type Notification } from '@lab/common/kit/notification-store.ts'
import type { Store } from '@lab/common/kit/store.ts'

const MAX_BATCH = 500

export type Notifications = ReturnType<typeof createNotifications>

/** The notifications that were sent, one an order. Those that arrive together share one transaction. */
export function createNotifications(store: Store) {
  const { add, pages } = createNotificationStore(store)
  return {
    /** Sends once per order and answers whether it did: a repeat sends nothing and answers false. */
    send: batched((sent: Notification[]) => store.transaction(() => sent.map(add)), { maxBatch: MAX_BATCH }),
    pages,
  }
}
