import { pageOf, unknownCursor } from '@lab/kit/paging.ts'
import type { Store } from '@lab/kit/store.ts'
import { canBecome, type FailureReason, type Order, OrderStatus } from './domain/order.ts'
import type { OrderReader } from './order-routes.ts'

export const ORDERS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    item TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    status TEXT NOT NULL,
    timestamp REAL NOT NULL,
    reason TEXT
  ) STRICT;`

const COLUMNS = 'order_id, item, quantity, status, timestamp, reason'

export interface OrderStore extends OrderReader {
  /** Stores a new order. The caller holds a transaction; an order id that exists already throws. */
  insert: (order: Order) => void
  /**
   * Moves an order on and answers whether it moved: a status that is already reached, or would go backwards, changes
   * nothing. That makes a repeated message a no-op.
   */
  advance: (order_id: string, status: OrderStatus, reason?: FailureReason) => boolean
}

/** The orders of one service in its SQLite store. All calls are synchronous. */
export function createOrderStore({ db }: Store): OrderStore {
  const insert = db.prepare(`INSERT INTO orders (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`)
  const select = db.prepare(`SELECT ${COLUMNS} FROM orders WHERE order_id = ?`)
  const advance = advanceTo(db)
  const seqOf = db.prepare('SELECT seq FROM orders WHERE order_id = ?')
  const after = db.prepare(`SELECT ${COLUMNS} FROM orders WHERE seq > ? ORDER BY seq LIMIT ?`)
  const get = (order_id: string) => toOrder(select.get(order_id))
  return {
    get,
    insert: ({ order_id, item, quantity, status, timestamp, reason }) => {
      insert.run(order_id, item, quantity, status, timestamp, reason ?? null)
    },
    advance: (order_id, status, reason) =>
      advance[status].run(status, reason ?? null, order_id).changes === 1,
    // The cursor is the last order of the page before: an order keeps its place for as long as there is a store.
    page: ({ limit, cursor }) => {
      const seq = cursor === undefined ? 0 : seqOf.get(cursor)?.seq
      if (seq === undefined) throw unknownCursor(cursor ?? '')
      const rows = after.all(seq, limit + 1).map((row) => toOrder(row) as Order)
      return pageOf(rows, limit, ({ order_id }) => order_id)
    },
  }
}

/** One statement a status: it finds the order only where the status may follow on the one it has. */
function advanceTo(db: Store['db']) {
  const prepare = (to: OrderStatus) => {
    const before = OrderStatus.options.filter((from) => canBecome(from, to)).map((from) => `'${from}'`)
    return db.prepare(
      `UPDATE orders SET status = ?, reason = ? WHERE order_id = ? AND status IN (${before.join()})`,
    )
  }
  const statements = OrderStatus.options.map((to) => [to, prepare(to)] as const)
  return Object.fromEntries(statements) as Record<OrderStatus, ReturnType<typeof prepare>>
}

function toOrder(row: Record<string, unknown> | undefined): Order | undefined {
  if (!row) return undefined
  const { order_id, item, quantity, status, timestamp, reason } = row as unknown as Order & {
    reason: FailureReason | null
  }
  return { order_id, item, quantity, status, timestamp, ...(reason === null ? {} : { reason }) }
}
