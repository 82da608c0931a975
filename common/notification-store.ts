import { type Page, type PageQuery, pageOf, unknownCursor } from '@lab/kit/paging.ts'
import type { Store } from '@lab/kit/store.ts'
import { z } from 'zod'
import { Item, OrderId, OrderStatus } from './domain/order.ts'

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
  .meta({
    id: 'Notification',
    examples: [
      {
        order_id: '019aa000-0000-7000-8000-000000000000',
        status: 'reserved',
        item: 'burger',
        at: 1_764_288_000.5,
      },
    ],
  })
export type Notification = z.infer<typeof Notification>

export interface NotificationStore {
  /** Stores a notification, and answers whether the order had none. The caller holds a transaction. */
  add: (notification: Notification) => boolean
  /** Oldest first, at most `limit` after the cursor. Throws `LAB_REQUEST_INVALID` when the cursor is of no page of it. */
  page: (query: PageQuery) => Page<Notification>
}

/** The notifications of one service in its SQLite store, one an order. All calls are synchronous. */
export function createNotificationStore({ db }: Store): NotificationStore {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO notifications (order_id, status, item, at) VALUES (?, ?, ?, ?)',
  )
  const seqOf = db.prepare('SELECT seq FROM notifications WHERE order_id = ?')
  const after = db.prepare(
    'SELECT order_id, status, item, at FROM notifications WHERE seq > ? ORDER BY seq LIMIT ?',
  )
  return {
    add: ({ order_id, status, item, at }) => insert.run(order_id, status, item, at).changes === 1,
    page: ({ limit, cursor }) => {
      const seq = cursor === undefined ? 0 : seqOf.get(cursor)?.seq
      if (seq === undefined) throw unknownCursor(cursor ?? '')
      const rows = after.all(seq, limit + 1) as unknown as Notification[]
      return pageOf(rows, limit, ({ order_id }) => order_id)
    },
  }
}
