import { settlesWithin } from '@lab/kit/bounded.ts'
import { messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { type ChannelModel, connect, type RecoveringChannelModel } from 'amqplib'
import { type RetryLadder, retryLadder } from './retry-ladder.ts'
import { CLOSE_TIMEOUT_MS, setUp } from './set-up.ts'

export type Connection = ChannelModel

export interface Broker {
  ladder: RetryLadder
  /** `ok`, or why nothing can be published or consumed now. */
  state: () => string
  isBlocked: () => boolean
  /**
   * Runs `open` on the connection of now and on every later one, after the topology is declared. Channels of a lost
   * connection are dead: `open` makes new ones. When it throws, the connection is closed and built again.
   */
  onConnected: (open: (connection: Connection) => Promise<void>) => void
  /** Gives the connection up and builds everything again: the one cure for a channel that can no longer be trusted. */
  restart: (reason: string) => void
  /** Idempotent and bounded, whatever the broker does. */
  close: () => Promise<void>
}

export interface BrokerOptions {
  url: string
  /** Shown on the management page. */
  name: string
  ladderMs: readonly number[]
  /** How long a message that keeps failing is retried. */
  retryForMs: number
  log: Logger
}

const CONNECT_TIMEOUT_MS = 5_000
const HEARTBEAT_SECONDS = 5

/**
 * A connection that comes back by itself, with bounded back-off, for as long as the service lives. It resolves at once:
 * a broker that is away is a state, not an error.
 *
 * One connection a service, though RabbitMQ's guides advise one for publishing and one for consuming (a blocked publisher
 * then does not hold up acknowledgements). Here a service that cannot announce its decisions should not take in more of
 * them, and one connection is the fence that ends the consumer, the relay and the stock lock of a process together.
 */
export async function connectBroker({
  url,
  name,
  ladderMs,
  retryForMs,
  log,
}: BrokerOptions): Promise<Broker> {
  const ladder = retryLadder(ladderMs, retryForMs)
  const link = await connect(withHeartbeat(url), {
    // Without it a message of 2 kB and more waits 44 ms for Nagle's algorithm and a delayed TCP acknowledgement.
    noDelay: true,
    keepAlive: true,
    keepAliveDelay: 10_000,
    timeout: CONNECT_TIMEOUT_MS,
    clientProperties: { connection_name: name },
    recovery: {
      initialDelay: 200,
      maxDelay: 2_000,
      // The service starts without its broker; `waitForConnect` would hold it up until there is one.
      waitForConnect: false,
      setup: (connection: Connection) => setUp(connection, ladder.steps),
    },
  })
  return supervise(link, ladder, log)
}

/** The heartbeat is part of the URL; one that is given there wins. */
function withHeartbeat(url: string): string {
  const withQuery = new URL(url)
  if (!withQuery.searchParams.has('heartbeat'))
    withQuery.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS))
  return withQuery.href
}

/** What is known of the connection now. */
interface Link {
  state: string
  connection: Connection | undefined
}

/** Knows at any moment how the connection is, opens what belongs on a new one, and gives up one that fails. */
function supervise(link: RecoveringChannelModel, ladder: RetryLadder, log: Logger): Broker {
  const now: Link = { state: 'connecting', connection: undefined }
  const openers: ((connection: Connection) => Promise<void>)[] = []
  let isClosing = false

  const giveUp = (connection: Connection | undefined, reason: string) => {
    // A connection that dies takes its channels first: when it is gone by the next turn, recovery is at work already.
    setImmediate(() => {
      if (!connection || now.connection !== connection || isClosing) return
      log.warn({ reason }, 'broker connection given up')
      // Not settled in time: the broker is frozen, and the heartbeat ends the connection.
      void settlesWithin(connection.close(), CLOSE_TIMEOUT_MS)
    })
  }
  const run = (open: (connection: Connection) => Promise<void>, connection: Connection) =>
    open(connection).catch((err) => giveUp(connection, messageOf(err)))

  watch(link, now, log)
  link.on('connect', (connection) => {
    for (const open of openers) void run(open, connection)
  })
  return {
    ladder,
    state: () => now.state,
    isBlocked: () => now.state.startsWith('blocked'),
    onConnected: (open) => {
      openers.push(open)
      if (now.connection) void run(open, now.connection)
    },
    restart: (reason) => giveUp(now.connection, reason),
    close: async () => {
      isClosing = true
      await settlesWithin(link.close(), CLOSE_TIMEOUT_MS)
      now.state = 'closed'
    },
  }
}

function watch(link: RecoveringChannelModel, now: Link, log: Logger): void {
  link.on('connect', (connection) => {
    now.connection = connection
    now.state = 'ok'
    log.info('broker connected')
  })
  link.on('disconnect', (err) => {
    now.connection = undefined
    now.state = `reconnecting: ${err.message}`
    log.warn({ err }, 'broker connection lost')
  })
  link.on('connect-failed', (err) => {
    const state = `connecting: ${err.message || (err as NodeJS.ErrnoException).code}`
    // One warning for each new reason, not one for each attempt of an outage.
    if (state !== now.state) log.warn({ err }, 'broker away')
    now.state = state
  })
  link.on('blocked', (reason) => {
    now.state = `blocked: ${reason}`
    log.warn({ reason }, 'broker takes no messages')
  })
  link.on('unblocked', () => {
    now.state = 'ok'
    log.info('broker takes messages again')
  })
  link.on('error', () => {
    // Followed by 'disconnect'; without a listener it would end the process.
  })
}
