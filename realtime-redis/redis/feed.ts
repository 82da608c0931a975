import { randomUUID } from 'node:crypto'
import type { Logger } from '@lab/kit/log.ts'
import type { Connection } from './connect.ts'
import { CHANNEL } from './keys.ts'
import { SINCE } from './scripts.ts'

export interface FeedEvent {
  seq: number
  /** An `OrderEvent`, JSON. */
  json: string
}

export interface Since {
  epoch: string
  /** Of the last event there is. */
  seq: number
  /** Of the oldest event the stream has; one more than `seq` when it has none. */
  first: number
  events: FeedEvent[]
}

export interface FeedOptions {
  connection: Connection
  /** In order of seq, each once. */
  onEvents: (events: FeedEvent[]) => void
  /** The feed is whole, up to `seq`, or not any more. Without a change of epoch nothing was left out in between. */
  onLive: (at: { epoch: string; seq: number }) => void
  onStale: () => void
  /** Nothing that was said before holds for what follows. */
  onEpoch: () => void
  log: Logger
}

const MOST = 500
/** The channel may lose a message, and the last one of all has no follower that would tell. */
const LOOK_MS = 1_000

export type Feed = ReturnType<typeof startFeed>

/**
 * Every event, in order and once, from the stream: the channel, which keeps nothing and repeats nothing, only says when to look.
 * Starts at what is newest, and at the next start again.
 */
export function startFeed({ connection, onEvents, onLive, onStale, onEpoch, log }: FeedOptions) {
  let at: { epoch: string; seq: number } | undefined
  let isLive = false
  let isReading = false
  let isCalled = false
  let isClosed = false

  const since = async (after: number): Promise<Since> => {
    const seen = [at?.seq ?? 0, at?.epoch ?? '']
    const [epoch, seq, first, events] = (await connection.run(SINCE, after, MOST, randomUUID(), ...seen)) as [
      string,
      number,
      number,
      [number, string][],
    ]
    return { epoch, seq, first, events: events.map(([seq, json]) => ({ seq, json })) }
  }

  /** False when there may be more. */
  const look = async (): Promise<boolean> => {
    const found = await since(at?.seq ?? Number.MAX_SAFE_INTEGER)
    const isSame = at?.epoch === found.epoch && at.seq >= found.first - 1
    if (at === undefined || !isSame) {
      if (at !== undefined) onEpoch()
      at = { epoch: found.epoch, seq: found.seq }
      return true
    }
    if (found.events.length === 0) return true
    at.seq = found.events.at(-1)!.seq
    onEvents(found.events)
    return at.seq === found.seq
  }

  /** One look at a time: what is said meanwhile is found by the next. */
  const read = async () => {
    isCalled = true
    if (isReading || isClosed) return
    isReading = true
    try {
      while (isCalled) {
        isCalled = false
        if (!(await look())) isCalled = true
      }
      setLive(connection.state() === 'ok')
    } catch (err) {
      if (isLive) log.warn({ err }, 'events_lost_sight_of')
      setLive(false)
    } finally {
      isReading = false
    }
  }
  const setLive = (now: boolean) => {
    if (now === isLive || isClosed) return
    isLive = now
    if (now) onLive({ ...at! })
    else onStale()
  }

  const onNews = () => void read()
  connection.subscribe(CHANNEL, onNews, onNews)
  const timer = setInterval(onNews, LOOK_MS)
  return {
    since,
    /** Up to where it has come; undefined before its first look, or while it is not live. */
    at: () => (isLive ? at && { ...at } : undefined),
    close: () => {
      isClosed = true
      clearInterval(timer)
    },
  }
}
