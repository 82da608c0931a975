import type { OrderEvent } from '@lab/common/domain/events.ts'
import type { Store } from '@lab/kit/store.ts'
import type { StoredEvent } from '../broker/event-message.ts'

/**
 * AUTOINCREMENT, so that no `seq` is used twice: without it SQLite hands out the highest one again once its row is deleted,
 * and the relay, which reads upwards, would pass over the new event.
 */
export const OUTBOX_SCHEMA = `
  CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    type TEXT NOT NULL,
    order_id TEXT NOT NULL,
    time INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;`

export interface OutboxRow extends StoredEvent {
  seq: number
}

export interface Outbox {
  /** Stores an event to be published. The caller holds the transaction that also stores what the event tells of. */
  add: (event: OrderEvent) => void
  /** The oldest events with a `seq` above the given one, at most `limit`. */
  after: (seq: number, limit: number) => OutboxRow[]
  /** Forgets events the broker has confirmed, in one transaction. */
  remove: (seqs: readonly number[]) => void
  /** Events not yet confirmed: from the oldest to the newest, which is exact while they leave in order. O(log n). */
  depth: () => number
}

/** Events waiting for the broker, in the store of the service that made them. */
export function createOutbox({ db, transaction }: Store): Outbox {
  const insert = db.prepare(
    'INSERT INTO outbox (message_id, type, order_id, time, body) VALUES (?, ?, ?, ?, ?)',
  )
  const select = db.prepare('SELECT * FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?')
  const remove = db.prepare('DELETE FROM outbox WHERE seq = ?')
  // Two selects: SQLite looks min and max up in the index only one at a time.
  const ends = db.prepare(
    'SELECT (SELECT min(seq) FROM outbox) AS oldest, (SELECT max(seq) FROM outbox) AS newest',
  )
  return {
    add: (event) => {
      insert.run(event.id, event.type, event.subject, Date.parse(event.time), JSON.stringify(event))
    },
    after: (seq, limit) => select.all(seq, limit) as unknown as OutboxRow[],
    remove: (seqs) => {
      transaction(() => {
        for (const seq of seqs) remove.run(seq)
      })
    },
    depth: () => {
      const { oldest, newest } = ends.get() as { oldest: number | null; newest: number | null }
      return oldest === null || newest === null ? 0 : newest - oldest + 1
    },
  }
}
