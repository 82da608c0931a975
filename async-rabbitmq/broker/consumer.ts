import type { OrderEvent } from '@lab/common/domain/events.ts'
import { settlesWithin } from '@lab/kit/bounded.ts'
import type { Faults } from '@lab/kit/faults.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import type { Outcome } from '@lab/kit/outcome.ts'
import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { z } from 'zod'
import type { Broker, Connection } from './connection.ts'
import { decide } from './decide.ts'
import { createPublisher } from './publisher.ts'
import { type SettleContext, settle } from './settle.ts'

export interface ConsumerOptions<Event extends OrderEvent> {
  broker: Broker
  queue: string
  /** Unacknowledged messages this consumer may hold, and so its largest batch. */
  prefetch: number
  schema: z.ZodType<Event>
  /**
   * Decides a batch in one transaction of its own, one outcome an event, in order. When it throws, nothing of the batch
   * has happened, and the events are handed over again one by one.
   */
  handle: (events: Event[]) => Outcome[]
  faults: Faults
  metrics: Metrics
  log: Logger
}

export interface Consumer {
  /** Consumes on this connection until it is gone. Rejects when it cannot. */
  attach: (connection: Connection) => Promise<void>
  /** `ok`, or why nothing is consumed. */
  state: () => string
  /** Takes no more deliveries and finishes those that have arrived, bounded in time; what is left is redelivered. */
  stop: () => Promise<void>
}

const STOP_TIMEOUT_MS = 4_000

/**
 * Consumes one queue in batches: whatever has arrived while the last batch was handled is the next one, up to the
 * prefetch. While a fault is active a batch is one message, so that its delay or failure is the message's own.
 */
export function createConsumer<Event extends OrderEvent>(options: ConsumerOptions<Event>): Consumer {
  let session: Session | undefined
  let isStopping = false
  return {
    attach: async (connection) => {
      if (isStopping) return
      session = await openSession(connection, options)
    },
    state: () => (session?.isOpen() ? 'ok' : 'not consuming'),
    stop: async () => {
      isStopping = true
      if (session) await settlesWithin(session.finish(), STOP_TIMEOUT_MS)
    },
  }
}

interface Session {
  isOpen: () => boolean
  finish: () => Promise<void>
}

async function openSession<Event extends OrderEvent>(
  connection: Connection,
  options: ConsumerOptions<Event>,
): Promise<Session> {
  const { broker, queue, prefetch, log } = options
  const channel = await connection.createConfirmChannel()
  let isOpen = true
  channel.on('error', (err) => log.warn({ err, queue }, 'consumer channel failed'))
  channel.on('close', () => {
    isOpen = false
    broker.restart(`the consumer channel of ${queue} closed`)
  })

  const batches = inBatches(channel, options, () => isOpen)
  const onMessage = (message: ConsumeMessage | null) => {
    if (message) batches.add(message)
    // The broker cancelled the consumer, as it does when the queue is deleted. A new connection declares it again.
    else broker.restart(`the broker cancelled the consumer of ${queue}`)
  }
  await channel.prefetch(prefetch)
  const { consumerTag } = await channel.consume(queue, onMessage)
  log.info({ queue, prefetch }, 'consuming')

  return {
    isOpen: () => isOpen,
    finish: async () => {
      if (isOpen) await channel.cancel(consumerTag)
      await batches.done()
    },
  }
}

/** Handles what was added, one batch after the other, for as long as the channel is open. */
function inBatches<Event extends OrderEvent>(
  channel: ConfirmChannel,
  options: ConsumerOptions<Event>,
  isOpen: () => boolean,
): { add: (message: ConsumeMessage) => void; done: () => Promise<void> } {
  const { broker, queue, faults, log } = options
  const isBlocked = broker.isBlocked
  const onOverdue = () => broker.restart(`confirms for ${queue} are overdue`)
  const publisher = createPublisher(channel, { isBlocked, onOverdue })
  const context = { channel, publisher, queue, ladder: broker.ladder }
  const arrived: ConsumeMessage[] = []
  let running: Promise<void> | undefined

  const run = async () => {
    // What has been read from the socket by the end of this turn is one batch.
    await new Promise(setImmediate)
    // Deliveries of a closed channel belong to the broker again.
    while (arrived.length > 0 && isOpen())
      await handleBatch(arrived.splice(0, faults.isActive ? 1 : arrived.length), context, options)
  }
  const failed = (err: unknown) => {
    log.error({ err, queue }, 'batch failed')
    broker.restart(`a batch of ${queue} failed`)
  }
  return {
    add: (message) => {
      arrived.push(message)
      running ??= run()
        .catch(failed)
        .finally(() => {
          running = undefined
        })
    },
    done: async () => running,
  }
}

async function handleBatch<Event extends OrderEvent>(
  batch: ConsumeMessage[],
  context: SettleContext,
  options: ConsumerOptions<Event>,
): Promise<void> {
  const started = performance.now()
  const decided = await decide(batch, options)
  const outcomes = await settle(context, batch, decided)
  const seconds = (performance.now() - started) / 1_000
  options.metrics.messagesConsumed(options.queue, outcomes, seconds)
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.kind === 'ack') continue
    const { messageId, correlationId } = batch[i]?.properties ?? {}
    options.log.warn(
      {
        queue: options.queue,
        message_id: messageId,
        order_id: correlationId,
        outcome: outcome.kind,
        reason: outcome.reason,
      },
      'message not handled',
    )
  }
}
