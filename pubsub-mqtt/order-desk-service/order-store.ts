import { randomUUID } from 'node:crypto'
import { type Page, type PageQuery, pageOf, unknownCursor } from '@lab/kit/paging.ts'
import type { Store } from '@lab/kit/store.ts'
import { z } from 'zod'
import { CATEGORIES, categoryOf } from '../mqtt/menu.ts'
import { CustomerOrder, centsOf } from '../mqtt/schemas.ts'

/** Money is whole cents in here; `body` is the order as the wire has it. */
export const DESK_SCHEMA = `
  CREATE TABLE IF NOT EXISTS desk (id TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id TEXT NOT NULL UNIQUE,
    customer_name TEXT NOT NULL,
    total_cents INTEGER NOT NULL,
    body TEXT NOT NULL,
    received_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS items (
    order_seq INTEGER NOT NULL REFERENCES orders (seq),
    line INTEGER NOT NULL,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    cents INTEGER NOT NULL,
    PRIMARY KEY (order_seq, line)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS rejected (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    reason TEXT NOT NULL,
    body TEXT NOT NULL,
    received_at INTEGER NOT NULL
  ) STRICT;`

export const REJECTED_KEPT = 1_000

const receivedAt = z.number().describe('When it was stored, milliseconds since the epoch')

export const DeskOrder = CustomerOrder.safeExtend({ received_at: receivedAt }).meta({ id: 'DeskOrder' })
export type DeskOrder = z.infer<typeof DeskOrder>

export const Rejected = z
  .object({
    reason: z.string(),
    body: z.string().describe('The message as text, at most its first 4,096 characters'),
    received_at: receivedAt,
  })
  .meta({ id: 'Rejected' })
export type Rejected = z.infer<typeof Rejected>

export const Stats = z
  .object({
    orders: z.int(),
    revenue: z.number().describe('Of all orders'),
    categories: z.partialRecord(
      z.enum([...CATEGORIES, 'Other']),
      z.object({ quantity: z.int(), revenue: z.number() }),
    ),
    rejected: z.int().describe(`Messages refused, of which the last ${REJECTED_KEPT} are kept`),
  })
  .meta({ id: 'Stats' })
export type Stats = z.infer<typeof Stats>

export type DeskStore = ReturnType<typeof createDeskStore>

interface OrderRow {
  seq: number
  body: string
  received_at: number
}

/** Customer orders, each once, and the messages that were none. Whoever changes something holds the transaction. */
export function createDeskStore({ db }: Store, now: () => number) {
  db.prepare('INSERT INTO desk SELECT ? WHERE NOT EXISTS (SELECT * FROM desk)').run(randomUUID())
  const { id } = db.prepare('SELECT id FROM desk').get() as { id: string }
  const insert = db.prepare(
    `INSERT INTO orders (order_id, customer_name, total_cents, body, received_at)
     VALUES (?, ?, ?, ?, ?) RETURNING seq`,
  )
  const insertItem = db.prepare(
    'INSERT INTO items (order_seq, line, name, category, quantity, cents) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const find = db.prepare('SELECT seq, body, received_at FROM orders WHERE order_id = ?')
  const after = db.prepare(`SELECT seq, body, received_at FROM orders WHERE seq > ? ORDER BY seq LIMIT ?`)
  const totals = db.prepare('SELECT count(*) AS orders, coalesce(sum(total_cents), 0) AS cents FROM orders')
  const sales = db.prepare(
    'SELECT category, sum(quantity) AS quantity, sum(quantity * cents) AS cents FROM items GROUP BY category',
  )
  const reject = db.prepare('INSERT INTO rejected (reason, body, received_at) VALUES (?, ?, ?) RETURNING seq')
  const forget = db.prepare('DELETE FROM rejected WHERE seq <= ?')
  const rejected = db.prepare('SELECT reason, body, received_at FROM rejected ORDER BY seq DESC')
  const refused = db.prepare('SELECT coalesce(max(seq), 0) AS count FROM rejected')

  return {
    /** Of this store, for as long as it exists. */
    id,
    /** An order with its items. The same order again changes nothing; another one under its id is `taken`. */
    add: (order: CustomerOrder): 'added' | 'repeated' | 'taken' => {
      const body = JSON.stringify(order)
      const known = find.get(order.order_id) as OrderRow | undefined
      if (known !== undefined) return known.body === body ? 'repeated' : 'taken'
      const cents = centsOf(order.total_amount)!
      const { seq } = insert.get(order.order_id, order.customer_name, cents, body, now()) as { seq: number }
      for (const [line, { name, quantity, price }] of order.items.entries())
        insertItem.run(seq, line, name, categoryOf(name), quantity, centsOf(price)!)
      return 'added'
    },
    find: (orderId: string): DeskOrder | undefined => {
      const row = find.get(orderId) as OrderRow | undefined
      return row && shown(row)
    },
    /** Oldest first, at most `limit` after the order that the cursor names. */
    page: ({ limit, cursor }: PageQuery): Page<DeskOrder> => {
      const last = cursor === undefined ? undefined : (find.get(cursor) as OrderRow | undefined)
      if (cursor !== undefined && last === undefined) throw unknownCursor(cursor)
      const rows = after.all(last?.seq ?? 0, limit + 1) as unknown as OrderRow[]
      return pageOf(rows.map(shown), limit, ({ order_id }) => order_id)
    },
    stats: (): Stats => {
      const { orders, cents } = totals.get() as { orders: number; cents: number }
      const rows = sales.all() as unknown as { category: string; quantity: number; cents: number }[]
      const categories = Object.fromEntries(
        rows.map(({ category, quantity, cents }) => [category, { quantity, revenue: cents / 100 }]),
      )
      const { count } = refused.get() as { count: number }
      return { orders, revenue: cents / 100, categories, rejected: count }
    },
    reject: (reason: string, body: string) => {
      const { seq } = reject.get(reason, body.slice(0, 4_096), now()) as { seq: number }
      forget.run(seq - REJECTED_KEPT)
    },
    /** The last refused messages, newest first. */
    rejected: () => rejected.all() as unknown as Rejected[],
  }
}

const shown = ({ body, received_at }: OrderRow): DeskOrder => ({ ...JSON.parse(body), received_at })
