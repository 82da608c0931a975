import { isTerminal } from '@lab/common/domain/order.ts'
import type { DeadLetter } from '@lab/common/order-routes.ts'
import type { OrderStore } from '@lab/common/order-store.ts'
import type { Store } from '@lab/kit/store.ts'
import type { DeadLetterNotice } from '../broker/read-dead-letter.ts'
import { INVENTORY_QUEUE, NOTIFICATION_QUEUE, ORDER_STATUS_QUEUE } from '../broker/topology.ts'
import type { HandledDeadLetters } from './dead-letter-route.ts'

export const DEAD_LETTERS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS dead_letters (
    order_id TEXT NOT NULL,
    queue TEXT NOT NULL,
    since REAL NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (order_id, queue)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS handled_dead_letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    queue TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at REAL NOT NULL
  ) STRICT;`

/** Somebody waits for the last ones only. */
const HANDLED_KEPT = 10_000
const HANDLED_AT_ONCE = 1_000

export interface DeadLetters {
  /** Stores what a notice says, in a transaction. The same notice again changes nothing. */
  note: (notice: DeadLetterNotice) => void
  /** The order has its decision, so nothing that led to one is waited for. The caller holds a transaction. */
  decided: (order_id: string) => void
  /** The oldest dead letter about an order. */
  of: (order_id: string) => DeadLetter | undefined
  count: () => number
  /** Dead letters that were published again and handled, the oldest 1,000 after this number. */
  handled: (after: number) => HandledDeadLetters
}

/**
 * Which orders wait for a message that is a dead letter, by the queue that gave it up. On the way to a decision that ends
 * with the decision, however it came; afterwards, when the notification is published again and handled.
 */
export function createDeadLetters(
  { db, transaction }: Store,
  orders: Pick<OrderStore, 'get'>,
  now = Date.now,
): DeadLetters {
  const put = db.prepare(
    'INSERT OR REPLACE INTO dead_letters (order_id, queue, since, reason) VALUES (?, ?, ?, ?)',
  )
  const remove = db.prepare('DELETE FROM dead_letters WHERE order_id = ? AND queue = ?')
  const removeDecision = db.prepare(
    `DELETE FROM dead_letters WHERE order_id = ? AND queue IN ('${INVENTORY_QUEUE}', '${ORDER_STATUS_QUEUE}')`,
  )
  const select = db.prepare(
    'SELECT since, queue, reason FROM dead_letters WHERE order_id = ? ORDER BY since LIMIT 1',
  )
  const count = db.prepare('SELECT count(*) AS n FROM dead_letters')
  const putHandled = db.prepare(
    'INSERT INTO handled_dead_letters (message_id, queue, outcome, at) VALUES (?, ?, ?, ?)',
  )
  const forget = db.prepare('DELETE FROM handled_dead_letters WHERE seq <= ?')
  const last = db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'handled_dead_letters'")
  const after = db.prepare(
    `SELECT seq, message_id, queue, outcome, at FROM handled_dead_letters WHERE seq > ? ORDER BY seq LIMIT ${HANDLED_AT_ONCE}`,
  )

  const noteHandled = ({ order_id, queue, message_id, outcome }: DeadLetterNotice & { kind: 'handled' }) => {
    remove.run(order_id, queue)
    const { lastInsertRowid } = putHandled.run(message_id, queue, outcome, now() / 1_000)
    forget.run(Number(lastInsertRowid) - HANDLED_KEPT)
  }

  /** Anyone can publish to the exchanges: what is no event of ours holds up nobody but the order it stands for. */
  const isWaitedFor = (notice: DeadLetterNotice & { kind: 'dead' }): boolean => {
    const order = orders.get(notice.order_id)
    if (!order) return false
    if (notice.queue === NOTIFICATION_QUEUE) return notice.isEvent
    return !isTerminal(order.status)
  }
  return {
    note: (notice) => {
      const { order_id, queue } = notice
      transaction(() => {
        if (notice.kind === 'handled') noteHandled(notice)
        else if (isWaitedFor(notice)) put.run(order_id, queue, notice.since, notice.reason)
      })
    },
    decided: (order_id) => {
      removeDecision.run(order_id)
    },
    of: (order_id) => select.get(order_id) as DeadLetter | undefined,
    count: () => Number(count.get()?.n),
    handled: (seq) => ({
      last: Number(last.get()?.seq ?? 0),
      handled: after.all(seq) as unknown as HandledDeadLetters['handled'],
    }),
  }
}
