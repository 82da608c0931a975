import type { ConfirmChannel, MessageProperties, Options } from 'amqplib'

export interface Outgoing {
  exchange: string
  routingKey: string
  body: Buffer
  properties: Options.Publish
}

/**
 * - confirmed    the broker has it, in every queue it was routed to
 * - returned     no queue takes it; the broker confirms such a message all the same
 * - unconfirmed  unknown: it may or may not have arrived; publishing it again with the same message id is safe
 */
export type Published = 'confirmed' | 'returned' | 'unconfirmed'

export interface Publisher {
  /** Never rejects, and answers within the confirm time-out, unless the broker has blocked this connection. */
  publish: (message: Outgoing) => Promise<Published>
}

export interface PublisherOptions {
  isBlocked: () => boolean
  /** Confirms are overdue: the channel cannot be trusted any more. */
  onOverdue: () => void
}

/** Set on copies of messages that may have no message id of their own, to tell which copy was returned. */
export const ORIGIN_DELIVERY = 'x-origin-delivery'

/** Longest wait for a confirm. Under load a confirm waits for fsync, some hundred milliseconds. */
const CONFIRM_TIMEOUT_MS = 10_000
const TICK_MS = 1_000

/** Publishes on a confirm channel: mandatory, persistent, one answer a message. The caller bounds how many are in flight. */
export function createPublisher(channel: ConfirmChannel, options: PublisherOptions): Publisher {
  const inFlight = new Set<InFlight>()
  const returned = new Set<string>()
  let tick = 0

  // The broker returns an unroutable message before it confirms it.
  channel.on('return', ({ properties }) => returned.add(identityOf(properties)))

  // Counted in ticks, not by the clock: a process that was suspended first reads the confirms that wait for it, and
  // a broker that blocks its publishers stops the count.
  const timer = setInterval(() => {
    if (options.isBlocked()) return
    tick++
    const [oldest] = inFlight
    if (!oldest || (tick - oldest.tick) * TICK_MS <= CONFIRM_TIMEOUT_MS) return
    options.onOverdue()
    for (const message of inFlight) message.settle('unconfirmed')
  }, TICK_MS)
  channel.on('close', () => clearInterval(timer))

  const publish = ({ exchange, routingKey, body, properties }: Outgoing) =>
    new Promise<Published>((resolve) => {
      const message: InFlight = {
        tick,
        settle: (result) => {
          if (!inFlight.delete(message)) return
          resolve(returned.delete(identityOf(properties)) ? 'returned' : result)
        },
      }
      inFlight.add(message)
      try {
        channel.publish(
          exchange,
          routingKey,
          body,
          { ...properties, mandatory: true, persistent: true },
          (err) => message.settle(err === null ? 'confirmed' : 'unconfirmed'),
        )
      } catch {
        // The channel is closed, which it says by throwing: nothing was sent.
        message.settle('unconfirmed')
      }
    })
  return { publish }
}

interface InFlight {
  tick: number
  settle: (result: Published) => void
}

const identityOf = ({ headers, messageId }: Options.Publish | MessageProperties): string =>
  headers?.[ORIGIN_DELIVERY] ?? messageId ?? ''
