import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { reachStep, reachStepOnceSent } from '@lab/kit/steps.ts'
import type { Broker, Connection } from '../broker/connection.ts'
import { eventMessage } from '../broker/event-message.ts'
import { createPublisher, type Published, type Publisher } from '../broker/publisher.ts'
import { ORDERS_EXCHANGE } from '../broker/topology.ts'
import type { Outbox, OutboxRow } from './outbox.ts'

export interface RelayOptions {
  broker: Broker
  outbox: Outbox
  /** Events that may be published and not yet confirmed. */
  window: number
  metrics: Metrics
  log: Logger
}

export interface Relay {
  /** Publishes on this connection until it is gone, beginning with the oldest event of the outbox. */
  attach: (connection: Connection) => Promise<void>
  /** To be called after a commit that added events. */
  wake: () => void
  /** Waits until the outbox is empty, or nothing moves it on, or the time is up. What is left stays in the outbox. */
  flush: (timeoutMs: number) => Promise<void>
}

/** Longest flush of a graceful stop. */
export const FLUSH_TIMEOUT_MS = 3_000
/** Time for whoever changed the topology to finish, before it is declared again. */
const UNROUTABLE_PAUSE_MS = 1_000

/**
 * Carries the outbox to the broker, in order, with a bounded window of unconfirmed events. An event leaves the outbox only
 * when the broker has confirmed that a queue took it: whatever is unknown when a connection ends is published again on
 * the next one, with the same message id. At least once, therefore; consumers deduplicate.
 */
export function createRelay(options: RelayOptions): Relay {
  const { broker, outbox, log } = options
  let session: RelaySession | undefined
  return {
    attach: async (connection) => {
      const channel = await connection.createConfirmChannel()
      channel.on('error', (err) => log.warn({ err }, 'relay channel failed'))
      const publisher = createPublisher(channel, {
        isBlocked: broker.isBlocked,
        onOverdue: () => broker.restart('confirms for the outbox are overdue'),
      })
      const opened = relaySession(publisher, options)
      channel.on('close', () => {
        opened.end()
        broker.restart('the relay channel closed')
      })
      session = opened
      opened.pump()
    },
    wake: () => session?.pump(),
    flush: async (timeoutMs) => {
      const deadline = performance.now() + timeoutMs
      while (session?.isMoving() && outbox.depth() > 0 && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 10))
    },
  }
}

interface RelaySession {
  pump: () => void
  /** Whether an event is on its way. */
  isMoving: () => boolean
  end: () => void
}

function relaySession(
  publisher: Publisher,
  { broker, outbox, window, metrics, log }: RelayOptions,
): RelaySession {
  let isOpen = true
  let inFlight = 0
  let last = 0
  let confirmed: number[] = []
  let trouble: NodeJS.Timeout | undefined

  const pump = () => {
    if (!isOpen || inFlight >= window) return
    for (const row of outbox.after(last, window - inFlight)) {
      last = row.seq
      inFlight++
      void publisher.publish(eventMessage(row)).then((result) => settle(row, result))
      reachStepOnceSent('rabbit.event-sent')
    }
  }
  const settle = (row: OutboxRow, result: Published) => {
    inFlight--
    if (result === 'confirmed') {
      reachStep('rabbit.event-confirmed')
      // Confirms of one read from the socket are forgotten in one transaction.
      if (confirmed.push(row.seq) === 1) setImmediate(forget)
      return
    }
    // Unknown because the connection is gone: the next one begins with the oldest event again.
    if (!isOpen) return
    if (result === 'returned') log.error({ message_id: row.message_id, type: row.type }, 'event unroutable')
    trouble ??= setTimeout(
      () => broker.restart(`an event was ${result}: it stays in the outbox and is published again`),
      UNROUTABLE_PAUSE_MS,
    )
  }
  const forget = () => {
    const seqs = confirmed
    confirmed = []
    outbox.remove(seqs)
    metrics.messagesPublished(ORDERS_EXCHANGE, seqs.length)
    pump()
  }
  return {
    pump,
    isMoving: () => isOpen && (inFlight > 0 || confirmed.length > 0),
    end: () => {
      isOpen = false
      clearTimeout(trouble)
    },
  }
}
