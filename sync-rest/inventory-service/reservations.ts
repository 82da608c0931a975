import { type FailureReason, ITEMS, type Item } from '@lab/common/domain/order.ts'
import { decide, type Stock } from '@lab/common/domain/stock.ts'
import { batched } from '@lab/kit/batch.ts'
import type { Store } from '@lab/kit/store.ts'

export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS stock (item TEXT PRIMARY KEY, count INTEGER NOT NULL CHECK (count >= 0)) STRICT;
  CREATE TABLE IF NOT EXISTS reservations (
    order_id TEXT PRIMARY KEY,
    item TEXT,
    quantity INTEGER,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'failed', 'released'))
  ) STRICT, WITHOUT ROWID;`

const MAX_BATCH = 500

export interface ReserveCommand {
  order_id: string
  item: Item
  quantity: number
}

export type ReserveResult = { isRepeat: boolean } & (
  | { status: 'reserved' }
  | { status: 'failed'; reason: FailureReason }
  | { status: 'conflict'; item: Item; quantity: number }
)

export interface Reservations {
  /** Decides an order once; a repeat answers what was decided. The decision is stored when the promise resolves. */
  reserve: (command: ReserveCommand) => Promise<ReserveResult>
  /**
   * Gives the stock of an order back and answers whether it did, so a repeat answers false. An order that was never
   * seen leaves a tombstone: its `reserve`, should it still be on the way, is refused when it arrives.
   */
  release: (order_id: string) => Promise<boolean>
  /** What is left. */
  stock: () => Stock
}

/**
 * The stock, and one row for each order that asked for some: `reserved`, `failed` (out of stock) or `released`.
 * Decisions that arrive together share one transaction. `initial` fills a new store only.
 */
export function createReservations(store: Store, initial: Stock): Reservations {
  const { db, transaction } = store
  const fill = db.prepare('INSERT OR IGNORE INTO stock (item, count) VALUES (?, ?)')
  transaction(() => ITEMS.map((item) => fill.run(item, initial[item])))

  const counts = db.prepare('SELECT item, count FROM stock')
  const count = db.prepare('SELECT count FROM stock WHERE item = ?')
  const move = db.prepare('UPDATE stock SET count = count + ? WHERE item = ?')
  const { find, insert, markReleased } = reservationRows(store)

  const reserveOne = ({ order_id, item, quantity }: ReserveCommand): ReserveResult => {
    const row = find(order_id)
    if (row) return { ...recorded(row, item, quantity), isRepeat: true }

    const decision = decide(Number(count.get(item)?.count), { quantity })
    insert(order_id, item, quantity, decision.status)
    if (decision.status === 'failed') return { ...decision, isRepeat: false }
    move.run(-quantity, item)
    return { status: 'reserved', isRepeat: false }
  }

  const releaseOne = (order_id: string): boolean => {
    const row = find(order_id)
    if (!row) insert(order_id, null, null, 'released')
    if (row?.state !== 'reserved') return false
    markReleased(order_id)
    move.run(row.quantity, row.item)
    return true
  }

  return {
    reserve: batched((commands) => transaction(() => commands.map(reserveOne)), { maxBatch: MAX_BATCH }),
    release: batched((order_ids) => transaction(() => order_ids.map(releaseOne)), { maxBatch: MAX_BATCH }),
    stock: () => Object.fromEntries(counts.all().map(({ item, count }) => [item, count])) as Stock,
  }
}

interface Row {
  /** Null in a tombstone. */
  item: Item | null
  quantity: number | null
  state: 'reserved' | 'failed' | 'released'
}

function reservationRows({ db }: Store) {
  const select = db.prepare('SELECT item, quantity, state FROM reservations WHERE order_id = ?')
  const insert = db.prepare('INSERT INTO reservations (order_id, item, quantity, state) VALUES (?, ?, ?, ?)')
  const release = db.prepare("UPDATE reservations SET state = 'released' WHERE order_id = ?")
  return {
    find: (order_id: string) => select.get(order_id) as Row | undefined,
    insert: (order_id: string, item: Row['item'], quantity: Row['quantity'], state: Row['state']) =>
      insert.run(order_id, item, quantity, state),
    markReleased: (order_id: string) => release.run(order_id),
  }
}

function recorded(row: Row, item: Item, quantity: number) {
  const isTombstone = row.item === null || row.quantity === null
  if (!isTombstone && (row.item !== item || row.quantity !== quantity))
    return { status: 'conflict' as const, item: row.item!, quantity: row.quantity! }
  if (row.state === 'reserved') return { status: 'reserved' as const }
  return { status: 'failed' as const, reason: row.state === 'failed' ? 'out_of_stock' : 'timeout' } as const
}
