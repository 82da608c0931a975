import { once } from 'node:events'
import { waitFor, within } from '@lab/kit/wait.ts'
import { rabbitApi } from '@lab/stack/servers/rabbitmq/api.ts'
import type { RabbitBroker } from '@lab/stack/servers/rabbitmq/broker.ts'
import { type Channel, type ConfirmChannel, type ConsumeMessage, connect, type Options } from 'amqplib'
import pLimit from 'p-limit'

const EXCHANGE = 'orders_exchange'
const CALL_MS = 5_000
/** Thousands of messages are confirmed together. */
const FLOOD_MS = 30_000

/** A message as the broker delivered it. */
export interface Captured {
  routingKey: string
  body: Buffer
  /** Everything to publish it once more exactly as it was: message id, type, headers … */
  properties: Options.Publish
  redelivered: boolean
}

type Outgoing = Omit<Captured, 'redelivered'>

export type RabbitProbe = Awaited<ReturnType<typeof openRabbitProbe>>

/** The lab's own connection to RabbitMQ, beside the services. Every call is bounded to five seconds. */
export async function openRabbitProbe(broker: RabbitBroker) {
  const connection = await connect(broker.url, {
    timeout: CALL_MS,
    noDelay: true,
    clientProperties: { connection_name: 'lab-probe' },
  })
  // Whoever uses a broken connection gets its error; without a listener the process would end.
  connection.on('error', () => {})
  const publishing = await bounded('a channel', connection.createConfirmChannel())
  publishing.on('error', () => {})

  const openChannel = async () => {
    const channel = await bounded('a channel', connection.createChannel())
    channel.on('error', () => {})
    return channel
  }
  /** On a channel of its own: asking for a queue that is not there closes the channel. */
  const withChannel = async <Result>(what: string, work: (channel: Channel) => Promise<Result>) => {
    const channel = await openChannel()
    const result = await bounded(what, work(channel))
    await bounded('a channel to close', channel.close())
    return result
  }

  const close = () =>
    bounded('RabbitMQ to close the connection of the probe', connection.close()).catch(() => {
      // It is broken, so it is closed; what broke it was told to the call it interrupted.
    })

  return {
    ...openRabbitManagement(broker),
    ...publisher(publishing),
    /** Exact at this moment (a passive declaration). Unacknowledged messages are not in it: see `sampled`. */
    depth: async (queue: string) => {
      const { messageCount, consumerCount } = await withChannel(`the depth of ${queue}`, (channel) =>
        channel.checkQueue(queue),
      )
      return { ready: messageCount, consumers: consumerCount }
    },
    /** Removes the messages that are ready and answers how many there were. */
    purge: async (queue: string) =>
      (await withChannel(`${queue} to be purged`, (channel) => channel.purgeQueue(queue))).messageCount,
    tap: async (pattern: string) => openTap(await openChannel(), pattern),
    /** Takes what is in a queue out of it and goes on taking; the list grows as messages come. */
    drain: async (queue: string) => takeFrom(await openChannel(), queue),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Single messages one at a time, so that a returned message is known to be the one that waits for its confirm. */
function publisher(channel: ConfirmChannel) {
  const oneAtATime = pLimit(1)
  let returned: string | undefined
  channel.on('return', ({ fields }) => {
    returned = `no queue takes a message with exchange '${fields.exchange}' and key '${fields.routingKey}'`
  })
  const send = (exchange: string, key: string, body: Buffer | string, properties?: Options.Publish) =>
    oneAtATime(async () => {
      returned = undefined
      const confirmed = new Promise<void>((resolve, reject) => {
        const options = { persistent: true, ...properties, mandatory: true }
        channel.publish(exchange, key, Buffer.from(body), options, (err) => (err ? reject(err) : resolve()))
      })
      await bounded(`a confirm of ${exchange} ${key}`, confirmed)
      if (returned !== undefined) throw new Error(returned)
    })
  return {
    /** To `orders_exchange`. Resolves when the broker has confirmed it; rejects when no queue is bound to the key. */
    publish: (routingKey: string, body: Buffer | string, properties?: Options.Publish) =>
      send(EXCHANGE, routingKey, body, properties),
    /** Past all bindings. Rejects when the queue does not exist. */
    sendToQueue: (queue: string, body: Buffer | string, properties?: Options.Publish) =>
      send('', queue, body, properties),
    /** Many at once and in order; resolves when the broker has confirmed all of them, whether or not a queue took them. */
    publishAll: async (messages: Outgoing[]) => {
      for (const { routingKey, body, properties } of messages) {
        if (channel.publish(EXCHANGE, routingKey, body, { persistent: true, ...properties })) continue
        await within(once(channel, 'drain'), FLOOD_MS, 'room in the socket')
      }
      await within(channel.waitForConfirms(), FLOOD_MS, 'the broker to confirm')
    },
  }
}

async function takeFrom(channel: Channel, queue: string): Promise<Captured[]> {
  const messages: Captured[] = []
  const onMessage = (message: ConsumeMessage | null) => {
    if (message) messages.push(captured(message))
  }
  await bounded('a consumer', channel.consume(queue, onMessage, { noAck: true }))
  return messages
}

export type Tap = Awaited<ReturnType<typeof openTap>>

/** An exclusive queue that receives a copy of each message of a routing key; nobody else's messages are touched. */
async function openTap(channel: Channel, pattern: string) {
  const { queue } = await bounded('a queue', channel.assertQueue('', { exclusive: true }))
  await bounded('a binding', channel.bindQueue(queue, EXCHANGE, pattern))
  const messages = await takeFrom(channel, queue)
  return {
    messages,
    /** Resolves with the first copy that matches, also one that came before the call. */
    find: (
      what: string,
      matches: (message: Captured) => boolean,
      options: { timeoutMs?: number; signal?: AbortSignal } = {},
    ) => waitFor(`a copy of ${what}`, () => messages.find(matches), { everyMs: 10, ...options }),
  }
}

function captured({ content, fields, properties }: ConsumeMessage): Captured {
  const known = Object.entries(properties).filter(([, value]) => value !== undefined)
  return {
    routingKey: fields.routingKey,
    body: content,
    properties: Object.fromEntries(known),
    redelivered: fields.redelivered,
  }
}

const bounded = <Result>(what: string, promise: Promise<Result>): Promise<Result> =>
  within(promise, CALL_MS, what)

/** A message as the management API shows it. */
export type Peeked = ReturnType<typeof peeked>

interface QueueInfo {
  type?: string
  durable?: boolean
  messages_ready?: number
  messages_unacknowledged?: number
  message_stats?: { redeliver?: number }
  consumer_details?: {
    channel_details?: { connection_name?: string }
    prefetch_count?: number
    ack_required?: boolean
  }[]
}

interface MessageInfo {
  payload: string
  payload_encoding: 'string' | 'base64'
  routing_key: string
  // An empty table is written as [] by the broker.
  properties: { headers?: Record<string, unknown> } | []
}

/** As it stands in a path of the management API. */
export const vhostOf = ({ url }: RabbitBroker): string =>
  encodeURIComponent(decodeURIComponent(new URL(url).pathname.slice(1)) || '/')

function openRabbitManagement(broker: RabbitBroker) {
  const pathOf = (queue: string) => `/queues/${vhostOf(broker)}/${encodeURIComponent(queue)}`
  const info = (queue: string) => rabbitApi<QueueInfo>(broker, 'GET', pathOf(queue))
  return {
    /** What the management page says. Its figures are samples, up to five seconds old: for people, not for proofs. */
    sampled: async (queue: string) => {
      const found = await info(queue)
      return {
        ready: found.messages_ready ?? 0,
        unacked: found.messages_unacknowledged ?? 0,
        /** Deliveries that carried the redelivered flag, since the queue was declared. */
        redelivered: found.message_stats?.redeliver ?? 0,
      }
    },
    /**
     * Shows up to `count` messages and puts them back. The broker counts each look as a delivery, so a queue with a
     * delivery limit loses what is looked at too often: look once.
     */
    peek: async (queue: string, count: number) => {
      const request = { count, ackmode: 'ack_requeue_true', encoding: 'auto' }
      const messages = await rabbitApi<MessageInfo[]>(broker, 'POST', `${pathOf(queue)}/get`, request)
      return messages.map(peeked)
    },
    /** Names of the connections that consume from a queue now. */
    consumersOf: async (queue: string) => {
      const { consumer_details = [] } = await info(queue)
      return consumer_details.flatMap(({ channel_details }) => channel_details?.connection_name ?? [])
    },
    /** How a queue is declared and consumed; undefined while the management API knows no consumer of it yet. */
    consumedAs: async (queue: string) => {
      const { type = 'unknown', durable = false, consumer_details: [consumer] = [] } = await info(queue)
      if (!consumer) return undefined
      const { prefetch_count = 0, ack_required = false } = consumer
      return {
        queueType: type,
        isDurable: durable,
        prefetch: prefetch_count,
        /** Whether messages stay with the broker until the consumer acknowledges them. */
        isAcknowledged: ack_required,
      }
    },
    /** Cuts a connection, as an operator does on the management page; its unacknowledged messages are delivered again. */
    cutConnection: (name: string): Promise<void> =>
      rabbitApi(broker, 'DELETE', `/connections/${encodeURIComponent(name)}`),
  }
}

function peeked({ payload, payload_encoding, routing_key, properties }: MessageInfo) {
  const known: Record<string, unknown> & { headers?: Record<string, unknown> } = Array.isArray(properties)
    ? {}
    : properties
  return {
    body: payload_encoding === 'base64' ? Buffer.from(payload, 'base64').toString() : payload,
    routingKey: routing_key,
    properties: known,
    headers: known.headers ?? {},
  }
}
