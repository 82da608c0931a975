import { messageOf } from '@lab/common/kit/errors.ts'
import type { Logger } from '@lab/common/kit/log.ts'
import type { RecoveringChannelModel } from 'amqplib'
import { CLOSE_TIMEOUT_MS, settlesWithin } from './bounded.ts'
import type { Broker, Connection } from './connection.ts'
import type { RetryStep } from './retry-ladder.ts'

/** What is known of the connection now. */
interface Link {
  state: string
  connection: Connection | undefined
}

/** Knows at any moment how the connection is, opens what belongs on a new one, and gives up one that fails. */
export function supervise(link: RecoveringChannelModel, ladder: readonly RetryStep[], log: Logger): Broker {
  const now: Link = { state: 'connecting', connection: undefined }
  const openers: ((connection: Connection) => Promise<void>)[] = []
  let isClosing = false

  const giveUp = (connection: Connection | undefined, reason: string) => {
    // A connection that dies takes its channels first: when it is gone by the next turn, recovery is at work already.
    setImmediate(() => {
      if (!connection || now.connection !== connection || isClosing) return
      log.warn({ reason }, 'broker connection given up')
      // Not settled in time: the broker is frozen, and the heartbeat ends the connection.
      void settlesWithin(CLOSE_TIMEOUT_MS, connection.close())
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
      await settlesWithin(CLOSE_TIMEOUT_MS, link.close())
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
