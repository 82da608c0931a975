import type { Order } from '@lab/common/domain/order.ts'
import type { OrderReader } from '@lab/common/order-routes.ts'
import { createOrderStore, ORDERS_SCHEMA } from '@lab/common/order-store.ts'
import type { OrderStream } from '@lab/common/order-stream.ts'
import { batched } from '@lab/kit/batch.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import type { Store } from '@lab/kit/store.ts'
import type { ReserveOutcome } from './reserve-outcome.ts'

export const SCHEMA = `${ORDERS_SCHEMA}
  CREATE TABLE IF NOT EXISTS unsettled (order_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;`

const MAX_BATCH = 500
const PAGE = 64

export interface Orders extends OrderReader {
  /** Each resolves when the change is stored. Changes that arrive together share one transaction. */
  place: (order: Order) => Promise<void>
  /** Stores what reserving came to and, in the same transaction, whether that has to be settled. */
  decide: (order_id: string, outcome: ReserveOutcome) => Promise<void>
  notified: (order_id: string) => Promise<void>
  /** The stock of these orders is certain again: a `timeout` becomes `failed`, a `failed` stays. */
  settled: (order_ids: string[]) => Promise<void>
  /** Ids of orders to be settled, in pages. */
  unsettled: () => Iterable<string[]>
  countUnsettled: () => number
}

/**
 * The orders, their steps told to the stream and the metrics once stored.
 *
 * An order still `placed` when the store opens was in flight when the process died: whether it was reserved is unknown,
 * so it becomes `timeout`, to be settled.
 */
export function createOrders(
  store: Store,
  { stream, metrics }: { stream: OrderStream; metrics: Metrics },
): Orders {
  const orders = createOrderStore(store)
  const rows = unsettledRows(store)
  store.transaction(() => rows.recover())

  const inTransaction = batched(
    (writes: (() => unknown)[]) => store.transaction(() => writes.map((write) => write())),
    { maxBatch: MAX_BATCH },
  )
  const announce = (order_id: string, status: Order['status']) => {
    metrics.orderReached(status)
    stream.publish([{ order_id, status, at: Date.now() / 1_000 }])
  }
  const settleOne = (order_id: string) => {
    rows.remove(order_id)
    return orders.advance(order_id, 'failed', 'timeout')
  }

  return {
    get: orders.get,
    page: orders.page,
    unsettled: rows.pages,
    countUnsettled: rows.count,
    place: async (order) => {
      await inTransaction(() => orders.insert(order))
      announce(order.order_id, 'placed')
    },
    decide: async (order_id, { status, reason, isUnknown }) => {
      await inTransaction(() => {
        orders.advance(order_id, status, reason)
        if (isUnknown) rows.add(order_id)
      })
      announce(order_id, status)
    },
    notified: async (order_id) => {
      await inTransaction(() => orders.advance(order_id, 'notified'))
      announce(order_id, 'notified')
    },
    settled: async (order_ids) => {
      const moved = await inTransaction(() => order_ids.filter(settleOne))
      for (const order_id of moved as string[]) announce(order_id, 'failed')
    },
  }
}

function unsettledRows({ db }: Store) {
  const add = db.prepare('INSERT OR IGNORE INTO unsettled (order_id) VALUES (?)')
  const remove = db.prepare('DELETE FROM unsettled WHERE order_id = ?')
  const count = db.prepare('SELECT count(*) AS n FROM unsettled')
  const page = db.prepare(`SELECT order_id FROM unsettled WHERE order_id > ? ORDER BY order_id LIMIT ${PAGE}`)
  return {
    add: (order_id: string) => add.run(order_id),
    remove: (order_id: string) => remove.run(order_id),
    count: () => Number(count.get()?.n),
    recover: () =>
      db.exec(`INSERT OR IGNORE INTO unsettled SELECT order_id FROM orders WHERE status = 'placed';
               UPDATE orders SET status = 'timeout' WHERE status = 'placed'`),
    *pages(): Generator<string[]> {
      let last = ''
      for (;;) {
        const ids = page.all(last).map(({ order_id }) => String(order_id))
        if (ids.length === 0) return
        last = ids.at(-1) ?? last
        yield ids
      }
    },
  }
}
