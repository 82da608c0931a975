import type { Channel } from 'amqplib'
import type { RetryStep } from './retry-ladder.ts'

export const ORDERS_EXCHANGE = 'orders_exchange'
export const DEAD_LETTER_EXCHANGE = 'dead_letter_exchange'
export const INVENTORY_QUEUE = 'inventory_queue'
export const NOTIFICATION_QUEUE = 'notification_queue'
export const ORDER_STATUS_QUEUE = 'order_status_queue'
const DLQ_QUEUE = 'dlq_queue'
/** A second copy of each dead letter, for the order service to learn of it; who looks after them has `dlq_queue`. */
export const ORDER_DEAD_LETTER_QUEUE = 'order_dead_letter_queue'

/** Where each event goes: the routing key it is published with. */
export const ROUTING_KEYS = {
  OrderPlaced: 'order.placed',
  InventoryReserved: 'inventory.reserved',
  InventoryFailed: 'inventory.failed',
} as const

/**
 * Redeliveries after a lost connection or a `reject` with requeue, before the queue dead-letters a message itself. The
 * default of RabbitMQ 4; 3.x has none, so it is always explicit.
 */
const DELIVERY_LIMIT = 20

/**
 * A quorum queue dead-letters at most once by default and can lose the message on the way. `at-least-once` keeps it here
 * until the target has confirmed it, and demands `reject-publish`, which does nothing without a length limit.
 */
const LOSSLESS_DEAD_LETTERS = {
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
}

const WORK_QUEUE = {
  'x-queue-type': 'quorum',
  'x-delivery-limit': DELIVERY_LIMIT,
  'x-dead-letter-exchange': DEAD_LETTER_EXCHANGE,
  ...LOSSLESS_DEAD_LETTERS,
}

const workQueues = [
  // Stock has one owner: were there two consumers, the broker would still deliver to one of them only.
  {
    queue: INVENTORY_QUEUE,
    pattern: 'order.placed',
    arguments: { ...WORK_QUEUE, 'x-single-active-consumer': true },
  },
  { queue: NOTIFICATION_QUEUE, pattern: 'inventory.reserved', arguments: WORK_QUEUE },
  { queue: ORDER_STATUS_QUEUE, pattern: 'inventory.*', arguments: WORK_QUEUE },
]

/**
 * Declares everything part B needs; what is there already is left as it is. Every service does so on every connection,
 * so a fresh broker, or a deleted queue, is whole again after a reconnect. Valid on RabbitMQ 3.10 to 4.x. A queue that
 * exists with other arguments is refused by the broker with a 406 that names the argument.
 */
export async function declareTopology(channel: Channel, ladder: readonly RetryStep[]): Promise<void> {
  await channel.assertExchange(DEAD_LETTER_EXCHANGE, 'fanout', { durable: true })
  // Classic: looking at its messages through the management API must not use up a delivery limit and drop them.
  await channel.assertQueue(DLQ_QUEUE, { durable: true, arguments: { 'x-queue-type': 'classic' } })
  await channel.bindQueue(DLQ_QUEUE, DEAD_LETTER_EXCHANGE, '')
  // Classic too: it has no delivery limit and dead-letters nothing, so no letter about a letter can go round in circles.
  await channel.assertQueue(ORDER_DEAD_LETTER_QUEUE, {
    durable: true,
    arguments: { 'x-queue-type': 'classic' },
  })
  await channel.bindQueue(ORDER_DEAD_LETTER_QUEUE, DEAD_LETTER_EXCHANGE, '')

  await channel.assertExchange(ORDERS_EXCHANGE, 'topic', { durable: true })
  for (const { queue, pattern, arguments: args } of workQueues) {
    await channel.assertQueue(queue, { durable: true, arguments: args })
    await channel.bindQueue(queue, ORDERS_EXCHANGE, pattern)
  }
  for (const step of ladder) await declareRetryStep(channel, step)
}

/**
 * Messages wait here for the queue's own TTL (a TTL per message would only expire at the head), then leave through the
 * default exchange by their routing key, which is the name of the work queue they came from: they go back to that
 * queue and no other.
 */
async function declareRetryStep(channel: Channel, { delayMs, exchange, queue }: RetryStep): Promise<void> {
  await channel.assertExchange(exchange, 'fanout', { durable: true })
  await channel.assertQueue(queue, {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      'x-message-ttl': delayMs,
      'x-dead-letter-exchange': '',
      ...LOSSLESS_DEAD_LETTERS,
    },
  })
  await channel.bindQueue(queue, exchange, '')
}
