import type { Store } from '@lab/kit/store.ts'
import type { StoredMessage } from '../mqtt/publish.ts'
import { type FoodEvent, type KitchenOrder, type Order, RECENT, type TableState } from '../mqtt/schemas.ts'
import { foodsTopic, NO_TABLE, TABLES } from '../mqtt/topics.ts'
import type { Problem } from './read-order.ts'

/**
 * One file for all that has to change together: an order, the state of its table and the food that is announced. Kitchens
 * that share the file share the work; `kitchen` says whose it is.
 */
export const KITCHEN_SCHEMA = `
  CREATE TABLE IF NOT EXISTS memory (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS tables (
    number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, finished INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS orders (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id TEXT NOT NULL UNIQUE,
    number INTEGER NOT NULL,
    food TEXT NOT NULL,
    ts INTEGER NOT NULL,
    status TEXT NOT NULL,
    kitchen TEXT NOT NULL,
    started_at INTEGER,
    prep_ms INTEGER,
    error TEXT,
    changed INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS open_orders ON orders (kitchen, status) WHERE status IN ('waiting', 'cooking');
  CREATE INDEX IF NOT EXISTS orders_by_change ON orders (number, changed);
  CREATE TABLE IF NOT EXISTS problems (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    number INTEGER NOT NULL, order_id TEXT NOT NULL, food TEXT NOT NULL, error TEXT NOT NULL, ts INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kitchen TEXT NOT NULL, topic TEXT NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS outbox_of_kitchen ON outbox (kitchen, seq);
  CREATE TABLE IF NOT EXISTS kitchens (kitchen TEXT PRIMARY KEY, seen_at INTEGER NOT NULL) STRICT;`

/** Finished orders that are remembered: a repeat of an older one is taken for a new order. */
export const REMEMBERED = 100_000
const FORGET_EVERY = 1_000
const PROBLEMS_SHOWN = 10

/** An order that cooks, until `started_at + prep_ms`. */
export interface Cooking {
  order_id: string
  started_at: number
  prep_ms: number
}

export type OrderStore = ReturnType<typeof createOrderStore>

interface OrderRow {
  order_id: string
  number: number
  food: string
  ts: number
  status: KitchenOrder['status']
  started_at: number | null
  prep_ms: number | null
  error: string | null
}

/** The orders as `kitchen` sees them. Whoever changes something holds the transaction, see `transaction`. */
export function createOrderStore({ db, transaction }: Store, kitchen: string, now: () => number) {
  db.prepare('INSERT OR IGNORE INTO memory (id, epoch) VALUES (1, ?)').run(now())
  for (const table of [NO_TABLE, ...TABLES])
    db.prepare('INSERT OR IGNORE INTO tables (number, seq, finished) VALUES (?, 0, 0)').run(table)
  const { epoch } = db.prepare('SELECT epoch FROM memory').get() as { epoch: number }

  const change = db.prepare(
    'UPDATE tables SET seq = seq + 1, finished = finished + ? WHERE number = ? RETURNING seq',
  )
  const tableRow = db.prepare('SELECT seq, finished FROM tables WHERE number = ?')
  const find = db.prepare('SELECT * FROM orders WHERE order_id = ?')
  const insert = db.prepare(
    `INSERT INTO orders (order_id, number, food, ts, status, kitchen, started_at, prep_ms, error, changed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const finish = db.prepare(
    `UPDATE orders SET status = 'ready', changed = (SELECT seq + 1 FROM tables WHERE number = orders.number)
     WHERE order_id = ? AND kitchen = ? AND status = 'cooking' RETURNING number, food, prep_ms`,
  )
  const start = db.prepare(
    `UPDATE orders SET status = 'cooking', started_at = ?, prep_ms = ?, changed = ? WHERE order_id = ?`,
  )
  const touch = db.prepare('UPDATE orders SET changed = ? WHERE order_id = ?')
  const forget = db.prepare(`DELETE FROM orders WHERE arrival <= ? AND status IN ('ready', 'error')`)
  const waiting = db.prepare(
    `SELECT order_id, number FROM orders WHERE kitchen = ? AND status = 'waiting' ORDER BY arrival LIMIT ?`,
  )
  const waitingCount = db.prepare(
    `SELECT count(*) AS count FROM orders WHERE kitchen = ? AND status = 'waiting'`,
  )
  const cooking = db.prepare(
    `SELECT order_id, started_at, prep_ms FROM orders WHERE kitchen = ? AND status = 'cooking' ORDER BY arrival`,
  )
  // Without the name SQLite takes the index by change, and reads every order there ever was.
  const open = db.prepare(
    `SELECT * FROM orders INDEXED BY open_orders WHERE number = ? AND status IN ('waiting', 'cooking') ORDER BY changed DESC`,
  )
  const recent = db.prepare(
    `SELECT * FROM orders WHERE number = ? AND status IN ('ready', 'error') ORDER BY changed DESC LIMIT ${RECENT}`,
  )
  const addProblem = db.prepare(
    'INSERT INTO problems (number, order_id, food, error, ts) VALUES (?, ?, ?, ?, ?)',
  )
  const forgetProblems = db.prepare(
    `DELETE FROM problems WHERE number = ?1 AND seq <=
       (SELECT seq FROM problems WHERE number = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ${PROBLEMS_SHOWN})`,
  )
  const problems = db.prepare(
    'SELECT order_id AS orderId, food, error, ts FROM problems WHERE number = ? ORDER BY seq DESC',
  )
  const addMessage = db.prepare('INSERT INTO outbox (kitchen, topic, body) VALUES (?, ?, ?)')
  const messages = db.prepare(
    'SELECT seq, topic, body FROM outbox WHERE kitchen = ? AND seq > ? ORDER BY seq LIMIT ?',
  )
  const removeMessages = db.prepare('DELETE FROM outbox WHERE kitchen = ? AND seq <= ?')
  const messageEnds = db.prepare(
    'SELECT (SELECT min(seq) FROM outbox) AS oldest, (SELECT max(seq) FROM outbox) AS newest',
  )
  const beat = db.prepare(
    'INSERT INTO kitchens (kitchen, seen_at) VALUES (?, ?) ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at',
  )
  const lapsed = db.prepare('SELECT kitchen FROM kitchens WHERE kitchen <> ? AND seen_at < ?')
  const leave = db.prepare('DELETE FROM kitchens WHERE kitchen = ?')
  const takeOrders = db.prepare(
    `UPDATE orders SET kitchen = ? WHERE kitchen = ? AND status IN ('waiting', 'cooking')`,
  )
  const takeMessages = db.prepare('UPDATE outbox SET kitchen = ? WHERE kitchen = ?')
  let inserted = 0

  /** Counts a change of a table, and answers its number. */
  const changed = (table: number, finished = 0) => (change.get(finished, table) as { seq: number }).seq
  const announce = (event: FoodEvent) =>
    void addMessage.run(kitchen, foodsTopic(event.table), JSON.stringify(event))
  const seq = (table: number) => (tableRow.get(table) as { seq: number }).seq

  return {
    transaction,
    epoch,
    seq,
    find: (orderId: string) => find.get(orderId) as OrderRow | undefined,

    insertCooking: ({ orderId, table, food, ts }: Order, prepMs: number): Cooking => {
      const startedAt = now()
      insert.run(orderId, table, food, ts, 'cooking', kitchen, startedAt, prepMs, null, changed(table))
      if (++inserted % FORGET_EVERY === 0) {
        const { newest } = db.prepare('SELECT max(arrival) AS newest FROM orders').get() as { newest: number }
        forget.run(newest - REMEMBERED)
      }
      return { order_id: orderId, started_at: startedAt, prep_ms: prepMs }
    },
    insertWaiting: ({ orderId, table, food, ts }: Order) => {
      insert.run(orderId, table, food, ts, 'waiting', kitchen, null, null, null, changed(table))
    },
    /** A refusal is remembered like an order: its repeat is not cooked. */
    insertRefused: ({ orderId, table, food, ts }: Order, error: string) => {
      insert.run(orderId, table, food, ts, 'error', kitchen, null, null, error, changed(table, 1))
      announce({ orderId, table, food, status: 'error', error })
    },
    /** Shows an order among the recent ones again. */
    touch: ({ order_id, number }: OrderRow) => void touch.run(changed(number), order_id),
    addProblem: ({ table, orderId, food, error }: Problem) => {
      changed(table)
      addProblem.run(table, orderId, food, error, now())
      forgetProblems.run(table)
      announce({ orderId, table: table as FoodEvent['table'], food, status: 'error', error })
    },
    /** Undefined when the order is not this kitchen's any more. */
    finish: (orderId: string): number | undefined => {
      const row = finish.get(orderId, kitchen) as OrderRow | undefined
      if (row === undefined) return undefined
      const { number, food, prep_ms } = row
      changed(number, 1)
      const table = number as FoodEvent['table']
      announce({ orderId, table, food, status: 'ready', prepMs: prep_ms ?? 0 })
      return number
    },
    waiting: () => (waitingCount.get(kitchen) as { count: number }).count,
    /** Begins to cook those that wait longest. */
    startNext: (limit: number, prepMs: () => number): (Cooking & { number: number })[] => {
      const rows = waiting.all(kitchen, limit) as unknown as { order_id: string; number: number }[]
      return rows.map(({ order_id, number }) => {
        const begun = { order_id, number, started_at: now(), prep_ms: prepMs() }
        start.run(begun.started_at, begun.prep_ms, changed(number), order_id)
        return begun
      })
    },
    cooking: () => cooking.all(kitchen) as unknown as Cooking[],

    state: (table: TableState['table']): TableState => {
      const { seq, finished } = tableRow.get(table) as { seq: number; finished: number }
      const rows = [...open.all(table), ...recent.all(table)] as unknown as OrderRow[]
      const errors = problems.all(table) as unknown as TableState['errors']
      return { epoch, seq, table, finished, orders: rows.map(shownOrder), errors }
    },

    outbox: {
      after: (seq: number, limit: number) => messages.all(kitchen, seq, limit) as unknown as StoredMessage[],
      remove: (upTo: number) => void removeMessages.run(kitchen, upTo),
      /** From the oldest to the newest, which is exact while they leave in order. */
      depth: () => {
        const { oldest, newest } = messageEnds.get() as { oldest: number | null; newest: number | null }
        return oldest === null || newest === null ? 0 : newest - oldest + 1
      },
    },

    /** Says that this kitchen is at work. */
    beat: () => void beat.run(kitchen, now()),
    /** Says that it stops: others need not wait to take over. */
    retire: () => void beat.run(kitchen, 0),
    /** Kitchens of this store that have said nothing for so long. */
    lapsed: (afterMs: number) =>
      (lapsed.all(kitchen, now() - afterMs) as { kitchen: string }[]).map((row) => row.kitchen),
    /** Makes what another kitchen has not finished, or not announced, this one's own. */
    takeOver: (other: string): number => {
      takeMessages.run(kitchen, other)
      return Number(takeOrders.run(kitchen, other).changes)
    },
    /** There is no more to take over from it. */
    leave: (name: string) => void leave.run(name),
  }
}

function shownOrder(row: OrderRow): KitchenOrder {
  return {
    orderId: row.order_id,
    food: row.food,
    status: row.status,
    ts: row.ts,
    ...(row.started_at !== null && { startedAt: row.started_at }),
    ...(row.prep_ms !== null && { prepMs: row.prep_ms }),
    ...(row.error !== null && { error: row.error }),
  }
}
