import { z } from 'zod'
import { Item, OrderId, OrderStatus } from '../domain/order.ts'
import type { Store } from './store.ts'

export const NOTIFICATIONS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS notifications (
    seq INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    item TEXT NOT NULL,
    at REAL NOT NULL
  ) STRICT;`

export const Notification = z
  .object({
    order_id: OrderId,
    status: OrderStatus,
    item: Item,
    at: z.number().describe('When it was sent, seconds since the epoch'),
  })
  .meta({ id: 'Notification' })
export type Notification = z.infer<typeof Notification>

export interface NotificationStore {
  /** Stores a notification, and answers whether the order had none. The caller holds a transaction. */
  add: (notification: Notification) => boolean
  /** All of them, oldest first, in pages. */
  pages: () => Iterable<Notification[]>
}

const PAGE = 1_000

/** The notifications of one service in its SQLite store, one an order. All calls are synchronous. */
export function createNotificationStore({ db }: Store): NotificationStore {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO notifications (order_id, status, item, at) VALUES (?, ?, ?, ?)',
  )
  const page = db.prepare(`SELECT * FROM notifications WHERE seq > ? ORDER BY seq LIMIT ${PAGE}`)
  return {
    add: ({ order_id, status, item, at }) => insert.run(order_id, status, item, at).changes === 1,
    *pages() {
      let last = 0
      for (;;) {
        const rows = page.all(last) as unknown as (Notification & { seq: number })[]
        if (rows.length === 0) return
        last = rows.at(-1)?.seq ?? last
        yield rows.map(({ seq: _, ...notification }) => notification)
      }
    },
  }
}
