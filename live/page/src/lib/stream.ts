import type { Entry, Position } from '../../../wire/stream.ts'

export type { Entry } from '../../../wire/stream.ts'

export interface StreamState {
  /** `lost` is for a while: the stream is opened again and again. */
  status: 'connecting' | 'live' | 'lost'
  /** How many entries the server has that this window has not. */
  behind: number
  /** Milliseconds since the epoch, by this window's clock: when the server was last heard of. */
  heardAt: number | undefined
}

/** What `EventSource` is to this file; tests bring their own. */
export interface Source {
  addEventListener(name: string, listener: (event: { data?: string }) => void): void
  close(): void
}

export interface StreamOptions {
  open?: (url: string) => Source
  now?: () => number
}

export interface Stream {
  /** Entries of a kind that ends with `.` and begins with it, or of that kind alone. Answers how to stop. */
  on(kind: string, listener: (entries: Entry[]) => void): () => void
  /** Called at the first connection, and whenever something may be missing: load what you show anew. */
  onStart(listener: () => void): () => void
  subscribe(listener: (state: StreamState) => void): () => void
  /** The server's clock. */
  serverNow(): number
  /** Does not wait for the next try. */
  tryNow(): void
  close(): void
}

/** A beat comes every second; a connection that is silent for longer is dead, whatever the system says of it. */
const SILENT_MS = 5_000
const RETRY_MS = [250, 500, 1_000, 2_000, 4_000]

/**
 * The one reader of the server's stream. It comes back by itself and goes on where it had stopped; where that is not possible
 * (the server was started anew, or the window slept too long) it says so to all who listen.
 */
export function createStream(options: StreamOptions = {}): Stream {
  const { open = (url) => new EventSource(url), now = Date.now } = options
  const listeners = new Map<string, Set<(entries: Entry[]) => void>>()
  const starts = new Set<() => void>()
  const watchers = new Set<(state: StreamState) => void>()
  let state: StreamState = { status: 'connecting', behind: 0, heardAt: undefined }
  let source: Source | undefined
  let epoch: string | undefined
  let seq = 0
  let clockOffset = 0
  let failures = 0
  let retry: ReturnType<typeof setTimeout> | undefined
  let silence: ReturnType<typeof setTimeout> | undefined

  const change = (next: Partial<StreamState>) => {
    state = { ...state, ...next }
    for (const watcher of watchers) watcher(state)
  }
  const heard = (position?: Position) => {
    failures = 0
    clearTimeout(silence)
    silence = setTimeout(lose, SILENT_MS)
    if (position) clockOffset = position.now - now()
    change({
      status: 'live',
      heardAt: now(),
      behind: position ? Math.max(0, position.seq - seq) : state.behind,
    })
  }
  const hello = (position: Position) => {
    const goesOn = position.epoch === epoch && position.seq === seq
    epoch = position.epoch
    seq = position.seq
    heard(position)
    if (!goesOn) for (const listener of starts) listener()
  }
  const take = (entries: Entry[]) => {
    const fresh = entries.filter(([number]) => number > seq)
    seq = fresh.at(-1)?.[0] ?? seq
    heard()
    for (const [kind, all] of listeners) {
      const wanted = fresh.filter(([, , one]) => one === kind || (kind.endsWith('.') && one.startsWith(kind)))
      if (wanted.length > 0) for (const listener of all) listener(wanted)
    }
  }

  function connect(): void {
    clearTimeout(retry)
    source?.close()
    const opened = open(epoch === undefined ? '/api/stream' : `/api/stream?after=${epoch}:${seq}`)
    source = opened
    const when = (name: string, act: (data: string) => void) =>
      opened.addEventListener(name, ({ data = '' }) => {
        if (source === opened) act(data)
      })
    when('hello', (data) => hello(JSON.parse(data) as Position))
    when('message', (data) => take(JSON.parse(data) as Entry[]))
    when('beat', (data) => heard(JSON.parse(data) as Position))
    when('error', lose)
    clearTimeout(silence)
    silence = setTimeout(lose, SILENT_MS)
  }

  /** `EventSource` would come back with the address it began with, and gives up for good at an answer that is no stream. */
  function lose(): void {
    source?.close()
    source = undefined
    clearTimeout(silence)
    clearTimeout(retry)
    retry = setTimeout(connect, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)])
    change({ status: 'lost' })
  }

  connect()
  return {
    on(kind, listener) {
      const all = listeners.get(kind) ?? new Set()
      listeners.set(kind, all.add(listener))
      return () => {
        all.delete(listener)
        if (all.size === 0) listeners.delete(kind)
      }
    },
    onStart(listener) {
      starts.add(listener)
      if (epoch !== undefined) listener()
      return () => void starts.delete(listener)
    },
    subscribe(watcher) {
      watchers.add(watcher)
      watcher(state)
      return () => void watchers.delete(watcher)
    },
    serverNow: () => now() + clockOffset,
    tryNow() {
      if (source === undefined) connect()
    },
    close() {
      source?.close()
      source = undefined
      clearTimeout(retry)
      clearTimeout(silence)
    },
  }
}
