import type { Logger } from '@lab/kit/log.ts'
import type { Connection } from './connect.ts'

/** A message that is stored until the broker has it. */
export interface StoredMessage {
  seq: number
  topic: string
  body: string
}

export interface RelayOptions {
  connection: Connection
  /** The oldest stored messages with a `seq` above the given one, at most `limit`. */
  after: (seq: number, limit: number) => StoredMessage[]
  /** The broker has all up to this `seq`. */
  remove: (upTo: number) => void
  log: Logger
}

/** Messages that may be published and not yet acknowledged. */
const WINDOW = 256
const RETRY_MS = 1_000
/** What is acknowledged within this time leaves the store in one transaction. */
const REMOVE_MS = 10

/**
 * Carries stored messages to the broker, in order, with a bounded number under way. One leaves the store only when the
 * broker has acknowledged it: what is unknown at the end of a process is published again by the next. At least once.
 */
export function createRelay({ connection, after, remove, log }: RelayOptions) {
  const underWay = new Set<number>()
  /** Acknowledged, and not removed: something older is still under way. */
  const done = new Set<number>()
  let last = 0
  let removing: NodeJS.Timeout | undefined
  let isClosed = false

  const pump = () => {
    if (isClosed || underWay.size >= WINDOW) return
    for (const { seq, topic, body } of after(last, WINDOW - underWay.size)) {
      last = seq
      if (underWay.has(seq) || done.has(seq)) continue
      underWay.add(seq)
      connection.publish(topic, body).then(
        () => acknowledged(seq),
        (err) => refused(seq, err),
      )
    }
  }
  const acknowledged = (seq: number) => {
    if (isClosed) return
    underWay.delete(seq)
    done.add(seq)
    removing ??= setTimeout(removeDone, REMOVE_MS)
    if (underWay.size < WINDOW / 2) pump()
  }
  const removeDone = () => {
    clearTimeout(removing)
    removing = undefined
    // Not beyond what was read: messages that were taken over may be older than those that are done.
    const upTo = Math.min(last, ...[...underWay].map((seq) => seq - 1))
    remove(upTo)
    for (const seq of done) if (seq <= upTo) done.delete(seq)
    pump()
  }
  const refused = (seq: number, err: unknown) => {
    if (isClosed) return
    log.error({ err, seq }, 'broker took no message: it is published again')
    setTimeout(() => {
      underWay.delete(seq)
      last = Math.min(last, seq - 1)
      pump()
    }, RETRY_MS)
  }
  return {
    /** To be called after a commit that stored messages. */
    pump,
    /** Reads again from the oldest: messages of another process were taken over. */
    restart: () => {
      last = 0
      pump()
    },
    close: () => {
      removeDone()
      isClosed = true
    },
  }
}

export type Relay = ReturnType<typeof createRelay>
