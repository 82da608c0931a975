import type { Logger } from '@lab/common/kit/log.ts'
import { type ChannelModel, connect } from 'amqplib'
import { type RetryStep, retryLadder } from './retry-ladder.ts'
import { setUp } from './set-up.ts'
import { supervise } from './supervise.ts'

export type Connection = ChannelModel

export interface Broker {
  ladder: readonly RetryStep[]
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
export async function connectBroker({ url, name, ladderMs, log }: BrokerOptions): Promise<Broker> {
  const ladder = retryLadder(ladderMs)
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
      setup: (connection: Connection) => setUp(connection, ladder),
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
