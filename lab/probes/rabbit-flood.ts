import { within } from '@lab/kit/wait.ts'
import type { RabbitBroker } from '@lab/stack/servers/rabbitmq/broker.ts'
import { type ConfirmChannel, type ConsumeMessage, connect, type Options } from 'amqplib'
import type { Captured } from './rabbit.ts'

const EXCHANGE = 'orders_exchange'
const CALL_MS = 30_000

export interface Flood extends AsyncDisposable {
  /** To `orders_exchange`, many at once and in order; resolves when the broker has confirmed all of them. */
  publishAll: (messages: FloodMessage[]) => Promise<void>
  /** Takes what is in a queue out of it and goes on taking; `taken` grows as messages come. */
  drain: (queue: string) => Promise<{ taken: Captured[] }>
  /** Gets a copy of what is published under a pattern from now on. */
  copy: (pattern: string) => Promise<{ taken: Captured[] }>
}

export interface FloodMessage {
  routingKey: string
  body: Buffer
  properties: Options.Publish
}

/** A connection for more messages than `RabbitProbe` is made for, which waits for each confirm. */
export async function openFlood(broker: RabbitBroker): Promise<Flood> {
  const connection = await connect(broker.url, {
    timeout: CALL_MS,
    noDelay: true,
    clientProperties: { connection_name: 'lab-flood' },
  })
  // Whoever uses a broken connection gets its error; without a listener the process would end.
  connection.on('error', () => {})
  const publishing = await bounded('a channel', connection.createConfirmChannel())
  publishing.on('error', () => {})

  const take = async (queue: string) => {
    const taken: Captured[] = []
    const channel = await bounded('a channel', connection.createChannel())
    channel.on('error', () => {})
    await channel.consume(queue, (message) => void (message && taken.push(captured(message))), {
      noAck: true,
    })
    return { taken }
  }
  return {
    publishAll: async (messages) => {
      for (const message of messages) await publish(publishing, message)
      await bounded('the broker to confirm', publishing.waitForConfirms())
    },
    drain: take,
    copy: async (pattern) => {
      const { queue } = await bounded('a queue', publishing.assertQueue('', { exclusive: true }))
      await bounded('a binding', publishing.bindQueue(queue, EXCHANGE, pattern))
      return take(queue)
    },
    [Symbol.asyncDispose]: async () => {
      await bounded('the connection to close', connection.close()).catch(() => {})
    },
  }
}

async function publish(
  channel: ConfirmChannel,
  { routingKey, body, properties }: FloodMessage,
): Promise<void> {
  if (channel.publish(EXCHANGE, routingKey, body, { persistent: true, ...properties })) return
  await bounded('room in the socket', new Promise((resolve) => channel.once('drain', resolve)))
}

const captured = ({ content, fields, properties }: ConsumeMessage): Captured => ({
  routingKey: fields.routingKey,
  body: content,
  properties: Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)),
  redelivered: fields.redelivered,
})

const bounded = <Result>(what: string, promise: Promise<Result>): Promise<Result> =>
  within(promise, CALL_MS, what)
