import type { WebSocket } from '@fastify/websocket'
import type { Logger } from '@lab/kit/log.ts'
import type { Connection } from '../redis/connect.ts'
import { type FeedEvent, startFeed } from '../redis/feed.ts'
import type { Orders } from '../redis/orders.ts'
import type { PlatformMetrics } from './metrics.ts'

export interface SocketLimits {
  most: number
  bufferBytes: number
  pingMs: number
}

export interface SocketsOptions {
  connection: Connection
  orders: Orders
  limits: SocketLimits
  metrics: PlatformMetrics
  log: Logger
}

/** Where a client says that it was; a plain one says nothing and gets live events alone. */
export interface Place {
  seq: number
  epoch: string | undefined
}

interface Client {
  socket: WebSocket
  place: Place | undefined
  /** Events that wait until it has caught up; undefined once it has. */
  backlog: FeedEvent[] | undefined
  isCatchingUp: boolean
  isAlive: boolean
}

/** Come back later, by your seq. */
const TRY_AGAIN = 1013
const POLICY = 1008
const RESTART = 1012
const CHUNK = 200
const MOST_BACKLOG = 10_000
/** A close waits for what is sent before it, which a slow client never takes. */
const CLOSE_MS = 1_000

export type Sockets = ReturnType<typeof createSockets>

/** The open WebSockets: each client that says where it was gets every event after that, in order and once. */
export function createSockets({ connection, orders, limits, metrics, log }: SocketsOptions) {
  const clients = new Set<Client>()
  const feed = startFeed({
    connection,
    log,
    onEvents: (events) => {
      for (const client of clients) {
        if (client.backlog === undefined) sendAll(client, events)
        else if (client.backlog.length < MOST_BACKLOG) client.backlog.push(...events)
        else tooSlow(client)
      }
    },
    onLive: ({ seq }) => {
      for (const client of resumable()) {
        if (client.backlog === undefined) send(client, { event_type: 'stream.live', seq })
        else if (!client.isCatchingUp) void catchUp(client)
      }
    },
    onStale: () => {
      for (const client of resumable()) send(client, { event_type: 'stream.stale' })
    },
    onEpoch: () => {
      for (const client of resumable()) cut(client, RESTART, 'another data set')
    },
  })
  const resumable = () => [...clients].filter(({ place }) => place !== undefined)

  const timer = setInterval(() => {
    for (const client of clients) {
      if (client.isAlive) client.socket.ping()
      else client.socket.terminate()
      client.isAlive = false
    }
  }, limits.pingMs)

  function cut(client: Client, code: number, reason: string): void {
    clients.delete(client)
    close(client.socket, code, reason)
  }
  function tooSlow(client: Client): void {
    metrics.socketCut('too slow')
    cut(client, TRY_AGAIN, 'too slow')
  }
  function send({ socket }: Client, message: object): void {
    socket.send(JSON.stringify(message))
  }
  function sendAll(client: Client, events: FeedEvent[]): void {
    // What waits is of earlier turns: a client that reads has taken it by now.
    if (client.socket.bufferedAmount > limits.bufferBytes) return void tooSlow(client)
    for (const { json } of events) client.socket.send(json)
  }

  /** What a client has missed, or everything; then it is live. Live events wait meanwhile. */
  async function catchUp(client: Client): Promise<void> {
    const at = feed.at()
    if (at === undefined) return send(client, { event_type: 'stream.stale' })
    client.backlog = []
    client.isCatchingUp = true
    try {
      const isCaughtUp = client.place!.epoch === at.epoch && (await resume(client, at))
      if (!isCaughtUp) await snapshot(client, at)
      const waited = client.backlog
      client.backlog = undefined
      if (clients.has(client)) sendAll(client, waited)
      // Said while it was catching up, it would be taken for over by now.
      if (feed.at() === undefined) send(client, { event_type: 'stream.stale' })
    } catch (err) {
      log.warn({ err }, 'catching_up_failed')
      if (!clients.has(client)) return
      metrics.socketCut('failed')
      cut(client, TRY_AGAIN, 'catching up failed')
    }
  }

  /** False when the stream does not go back far enough. */
  async function resume(client: Client, at: { epoch: string; seq: number }): Promise<boolean> {
    let { seq } = client.place!
    let page = await feed.since(seq)
    if (page.epoch !== at.epoch || seq > at.seq || seq < page.first - 1) return false
    const missed = at.seq - seq
    send(client, { event_type: 'stream.resumed', epoch: at.epoch, seq: at.seq, missed })
    metrics.caughtUp(missed)
    while (seq < at.seq) {
      const events = page.events.filter((event) => event.seq <= at.seq)
      if (events[0]?.seq !== seq + 1) throw new Error('events have gone meanwhile')
      await delivered(
        client,
        events.map(({ json }) => json),
      )
      seq = events.at(-1)!.seq
      if (seq < at.seq) page = await feed.since(seq)
    }
    return true
  }

  /**
   * Orders are read while they change: one may be newer here than `seq`, never older. Its events follow all the same, and their
   * versions tell that they are not news.
   */
  async function snapshot(client: Client, { epoch, seq }: { epoch: string; seq: number }): Promise<void> {
    metrics.snapshot()
    let before: string | undefined
    do {
      const rows = await orders.page({ before, limit: CHUNK })
      before = rows.length === CHUNK ? rows.at(-1)!.number : undefined
      const list = rows.map(({ order, version }) => `{"order":${order},"order_version":${version}}`)
      const head = JSON.stringify({ event_type: 'stream.snapshot', epoch, seq, more: before !== undefined })
      await delivered(client, [`${head.slice(0, -1)},"orders":[${list.join(',')}]}`])
    } while (before !== undefined)
  }

  /** Resolves when the network has taken it: a client that reads slowly makes nobody hold much. */
  const delivered = async ({ socket }: Client, messages: string[]) => {
    const last = Promise.withResolvers<void>()
    messages.forEach((message, at) => {
      if (at < messages.length - 1) socket.send(message)
      else socket.send(message, (err) => (err ? last.reject(err) : last.resolve()))
    })
    await last.promise
  }

  return {
    feed,
    open: () => clients.size,
    /** Takes in a socket, or closes it with a word why not. */
    add(socket: WebSocket, place: Place | undefined, isAllowed: boolean): void {
      socket.on('error', (err) => log.debug({ err }, 'socket_failed'))
      if (!isAllowed) return void close(socket, POLICY, 'this origin is not allowed')
      if (clients.size >= limits.most) {
        metrics.socketCut('too many')
        return void close(socket, TRY_AGAIN, 'too many sockets, try again later')
      }
      const client: Client = { socket, place, backlog: place && [], isCatchingUp: false, isAlive: true }
      clients.add(client)
      socket.on('pong', () => {
        client.isAlive = true
      })
      socket.on('close', () => clients.delete(client))
      if (place) void catchUp(client)
    },
    close(): void {
      clearInterval(timer)
      feed.close()
      for (const client of clients) cut(client, RESTART, 'this service stops')
    },
  }
}

function close(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason)
  const timer = setTimeout(() => socket.terminate(), CLOSE_MS)
  socket.once('close', () => clearTimeout(timer))
}
