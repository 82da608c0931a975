import type { Logger } from '@lab/kit/log.ts'
import type { Channel, ConsumeMessage } from 'amqplib'
import type { Broker, Connection } from './connection.ts'
import { type DeadLetterNotice, readDeadLetter } from './read-dead-letter.ts'
import { ORDER_DEAD_LETTER_QUEUE } from './topology.ts'

export interface DeadLetterWatchOptions {
  broker: Broker
  /** Stores what a notice says, in a transaction of its own; once it returns the notice is acknowledged. */
  handle: (notice: DeadLetterNotice) => void
  now: () => number
  log: Logger
}

export interface DeadLetterWatch {
  /** Consumes on this connection until it is gone. */
  attach: (connection: Connection) => Promise<void>
  stop: () => void
}

const PREFETCH = 100
/** Before what could not be stored is delivered again. */
const AGAIN_AFTER_MS = 1_000

/**
 * Consumes `order_dead_letter_queue`: a copy of each dead letter, and a notice for each that was handled after all. The
 * messages in `dlq_queue` are not touched. What says nothing of an order is acknowledged and forgotten: its original is
 * in `dlq_queue` for people.
 */
export function watchDeadLetters({ broker, handle, now, log }: DeadLetterWatchOptions): DeadLetterWatch {
  let isStopped = false

  const onMessage = (channel: Channel, message: ConsumeMessage) => {
    if (isStopped) return
    try {
      const notice = readDeadLetter(message, now())
      if (notice) handle(notice)
      channel.ack(message)
    } catch (err) {
      log.error({ err }, 'dead letter not noted, to be tried again')
      setTimeout(() => giveBack(channel, message), AGAIN_AFTER_MS).unref()
    }
  }
  return {
    attach: async (connection) => {
      const channel = await connection.createChannel()
      channel.on('error', (err) => log.warn({ err }, 'dead-letter channel failed'))
      channel.on('close', () => broker.restart('the dead-letter channel closed'))
      await channel.prefetch(PREFETCH)
      await channel.consume(ORDER_DEAD_LETTER_QUEUE, (message) => {
        if (message) onMessage(channel, message)
        else broker.restart(`the broker cancelled the consumer of ${ORDER_DEAD_LETTER_QUEUE}`)
      })
    },
    stop: () => {
      isStopped = true
    },
  }
}

function giveBack(channel: Channel, message: ConsumeMessage): void {
  try {
    channel.nack(message, false, true)
  } catch {
    // The channel has closed: the message is the broker's again already.
  }
}
