import type { Logger } from '@lab/kit/log.ts'
import type { Store } from '@lab/kit/store.ts'

/** `message_id` is the seed's `seen_message_ids`. `order_id` is unique too: no order is decided twice, by whatever message. */
export const INBOX_SCHEMA = `
  CREATE TABLE IF NOT EXISTS inbox (
    seq INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    order_id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL
  ) STRICT;`

export const INBOX_KEPT_MS = 7 * 24 * 3_600_000
const CHUNK = 10_000

export interface Inbox {
  /** Records a message, and answers whether it is new. The caller holds the transaction of the effect it guards. */
  isNew: (message: { message_id: string; order_id: string }, now: number) => boolean
  /**
   * Forgets what is older than seven days, at most 10,000 messages a call, and answers how many. By age, never by count:
   * a message may come back from `dlq_queue` long after thousands of others.
   */
  prune: (now: number) => number
}

export function createInbox({ db }: Store): Inbox {
  const insert = db.prepare('INSERT OR IGNORE INTO inbox (message_id, order_id, at) VALUES (?, ?, ?)')
  const oldest = db.prepare('SELECT seq FROM inbox ORDER BY seq LIMIT 1')
  // A range of the primary key: messages are stored in the order of time, so the old ones come first.
  const remove = db.prepare('DELETE FROM inbox WHERE seq BETWEEN ? AND ? AND at < ?')
  return {
    isNew: ({ message_id, order_id }, now) => insert.run(message_id, order_id, now).changes === 1,
    prune: (now) => {
      const first = oldest.get()?.seq
      if (typeof first !== 'number') return 0
      return Number(remove.run(first, first + CHUNK - 1, now - INBOX_KEPT_MS).changes)
    },
  }
}

const PRUNE_EVERY_MS = 60_000

/** Prunes once a minute. Answers the function that ends it. */
export function startPruning(inbox: Inbox, { now, log }: { now: () => number; log: Logger }): () => void {
  const timer = setInterval(() => {
    const pruned = inbox.prune(now())
    if (pruned > 0) log.info({ pruned }, 'inbox pruned')
  }, PRUNE_EVERY_MS)
  return () => clearInterval(timer)
}
