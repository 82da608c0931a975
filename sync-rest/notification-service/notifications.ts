import { createNotificationStore, type Notification } from '@lab/common/notification-store.ts'
import { batched } from '@lab/kit/batch.ts'
import type { Store } from '@lab/kit/store.ts'

const MAX_BATCH = 500

export type Notifications = ReturnType<typeof createNotifications>

/** The notifications that were sent, one an order. Those that arrive together share one transaction. */
export function createNotifications(store: Store) {
  const { add, page } = createNotificationStore(store)
  return {
    /** Sends once per order and answers whether it did: a repeat sends nothing and answers false. */
    send: batched((sent: Notification[]) => store.transaction(() => sent.map(add)), { maxBatch: MAX_BATCH }),
    page,
  }
}
