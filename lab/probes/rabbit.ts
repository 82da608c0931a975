import { waitFor, within } from '@lab/kit/wait.ts'
import type { RabbitBroker } from '@lab/stack/servers/rabbitmq/broker.ts'
import { type Channel, type ConfirmChannel, type ConsumeMessage, connect, type Options } from 'amqplib'
import pLimit from 'p-limit'
import { openRabbitManagement, type RabbitManagement } from './rabbit-management.ts'

const EXCHANGE = 'orders_exchange'
const CALL_MS = 5_000

/** A message as the broker delivered it. */
export interface Captured {
  routingKey: string
  body: Buffer
  /** Everything to publish it once more exactly as it was: message id, type, headers … */
  properties: Options.Publish
  redelivered: boolean
}

/** An exclusive queue that receives a copy of each message of a routing key; nobody else's messages are touched. */
export interface Tap {
  messages: Captured[]
  /** Resolves with the first copy that matches, also one that came before the call. */
  find: (
    what: string,
    matches: (message: Captured) => boolean,
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ) => Promise<Captured>
}

export interface RabbitProbe extends RabbitManagement, AsyncDisposable {
  /** To `orders_exchange`. Resolves when the broker has confirmed it; rejects when no queue is bound to the key. */
  publish: (routingKey: string, body: Buffer | string, properties?: Options.Publish) => Promise<void>
  /** Past all bindings. Rejects when the queue does not exist. */
  sendToQueue: (queue: string, body: Buffer | string, properties?: Options.Publish) => Promise<void>
  /** Exact at this moment (a passive declaration). Unacknowledged messages are not in it: see `sampled`. */
  depth: (queue: string) => Promise<{ ready: number; consumers: number }>
  tap: (routingKey: string) => Promise<Tap>
  /** Removes the messages that are ready and answers how many there were. */
  purge: (queue: string) => Promise<number>
  close: () => Promise<void>
}

/** The lab's own connection to RabbitMQ, beside the services. Every call is bounded to five seconds. */
export async function openRabbitProbe(broker: RabbitBroker): Promise<RabbitProbe> {
  const connection = await connect(broker.url, {
    timeout: CALL_MS,
    noDelay: true,
    clientProperties: { connection_name: 'lab-probe' },
  })
  // Whoever uses a broken connection gets its error; without a listener the process would end.
  connection.on('error', () => {})
  const publishing = await bounded('a channel', connection.createConfirmChannel())
  publishing.on('error', () => {})

  /** On a channel of its own: asking for a queue that is not there closes the channel. */
  const withChannel = async <Result>(what: string, work: (channel: Channel) => Promise<Result>) => {
    const channel = await bounded('a channel', connection.createChannel())
    channel.on('error', () => {})
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
    depth: async (queue) => {
      const { messageCount, consumerCount } = await withChannel(`the depth of ${queue}`, (channel) =>
        channel.checkQueue(queue),
      )
      return { ready: messageCount, consumers: consumerCount }
    },
    purge: async (queue) => {
      const purged = await withChannel(`${queue} to be purged`, (channel) => channel.purgeQueue(queue))
      return purged.messageCount
    },
    tap: async (routingKey) => openTap(await bounded('a channel', connection.createChannel()), routingKey),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** One message at a time, so that a returned message is known to be the one that waits for its confirm. */
function publisher(channel: ConfirmChannel): Pick<RabbitProbe, 'publish' | 'sendToQueue'> {
  const oneAtATime = pLimit(1)
  let returned: string | undefined
  channel.on('return', ({ fields }) => {
    returned = `no queue takes a message with exchange '${fields.exchange}' and key '${fields.routingKey}'`
  })
  const send = (
    exchange: string,
    key: string,
    body: Buffer | string,
    properties: Options.Publish | undefined,
  ) =>
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
    publish: (routingKey, body, properties) => send(EXCHANGE, routingKey, body, properties),
    sendToQueue: (queue, body, properties) => send('', queue, body, properties),
  }
}

async function openTap(channel: Channel, routingKey: string): Promise<Tap> {
  const messages: Captured[] = []
  channel.on('error', () => {})
  const { queue } = await bounded('a queue', channel.assertQueue('', { exclusive: true }))
  await bounded('a binding', channel.bindQueue(queue, EXCHANGE, routingKey))
  const onMessage = (message: ConsumeMessage | null) => {
    if (message) messages.push(captured(message))
  }
  await bounded('a consumer', channel.consume(queue, onMessage, { noAck: true }))
  return {
    messages,
    find: (what, matches, options) =>
      waitFor(`a copy of ${what}`, () => messages.find(matches), { everyMs: 10, ...options }),
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
