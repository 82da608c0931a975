import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import type { FastifyInstance } from 'fastify'
import { env } from './config.ts'
import { serve } from './service.ts'

const EXCHANGE = 'bare_exchange'

/** As part B has them: quorum, with its delivery limit; stock has one owner. */
const WORK_QUEUE = { 'x-queue-type': 'quorum', 'x-delivery-limit': 20 }
const QUEUES = [
  { queue: 'bare_inventory', pattern: 'order.placed', args: { 'x-single-active-consumer': true } },
  { queue: 'bare_notification', pattern: 'inventory.reserved', args: {} },
  { queue: 'bare_status', pattern: 'inventory.*', args: {} },
]
/** The default of part B's PREFETCH. */
const PREFETCH = 250

interface Broker {
  channel: ConfirmChannel
  close: () => Promise<void>
}

/** A confirm channel on a connection of its own, with the chain's queues declared. */
async function openBroker(): Promise<Broker> {
  const connection = await connect(env.RABBITMQ_URL, { noDelay: true })
  corkEachTurn(connection)
  const channel = await connection.createConfirmChannel()
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true })
  for (const { queue, pattern, args } of QUEUES) {
    await channel.assertQueue(queue, { durable: true, arguments: { ...WORK_QUEUE, ...args } })
    await channel.bindQueue(queue, EXCHANGE, pattern)
  }
  await channel.prefetch(PREFETCH)
  return { channel, close: () => connection.close() }
}

/** Persistent and mandatory, like the part's; resolves with the confirm. */
function publish(channel: ConfirmChannel, routingKey: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { persistent: true, mandatory: true, contentType: 'application/json' }
    channel.publish(EXCHANGE, routingKey, body, options, (err) => (err ? reject(err) : resolve()))
  })
}

/** One system call for the frames of one turn, as in part B: what is compared is not how amqplib writes. */
function corkEachTurn(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: Duplex }
  const write = stream.write.bind(stream) as (chunk: Buffer) => boolean
  let isCorked = false
  stream.write = ((chunk: Buffer) => {
    if (!isCorked) {
      isCorked = true
      stream.cork()
      process.nextTick(() => {
        isCorked = false
        stream.uncork()
      })
    }
    return write(chunk)
  }) as Duplex['write']
}

/** An envelope of the size of the part's. */
const eventOf = (subject: string, data: object): Buffer =>
  bufferOf({
    specversion: '1.0',
    id: randomUUID(),
    source: 'order-service',
    type: 'OrderPlaced',
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    traceparent: '00-00000000000000000000000000000001-0000000000000001-01',
    data,
  })

const bufferOf = (event: object): Buffer => Buffer.from(JSON.stringify(event))

/** Acknowledges each message of a queue when `handle` is done; answers how many that were. */
async function consume(
  channel: ConfirmChannel,
  queue: string,
  handle: (event: object) => Promise<void> = async () => {},
): Promise<() => number> {
  let handled = 0
  await channel.consume(queue, (message) => {
    if (!message) return
    void handle(JSON.parse(message.content.toString())).then(() => {
      handled++
      channel.ack(message)
    })
  })
  return () => handled
}

/** What part B can at best be: the same hops with amqplib, and nothing around them. */
const start: Record<string, (broker: Broker) => Promise<void>> = {
  async order({ channel, close }) {
    const done = await consume(channel, 'bare_status')
    const routes = (app: FastifyInstance) =>
      app.post('/order', async (request, reply) => {
        const { item, quantity } = request.body as { item: string; quantity: number }
        const order_id = randomUUID()
        const order = { order_id, item, quantity, status: 'placed', timestamp: Date.now() / 1_000 }
        await publish(channel, 'order.placed', eventOf(order_id, order))
        return reply.code(202).send(order)
      })
    await serve({ done, routes, close })
  },
  async inventory({ channel, close }) {
    const done = await consume(channel, 'bare_inventory', (event) => {
      const decided = { ...event, id: randomUUID(), source: 'inventory-service', type: 'InventoryReserved' }
      // Published before it is acknowledged, like the part; a refused publish ends the process, and the round is invalid.
      return publish(channel, 'inventory.reserved', bufferOf(decided))
    })
    await serve({ done, close })
  },
  async notification({ channel, close }) {
    await serve({ done: await consume(channel, 'bare_notification'), close })
  },
}

await start[env.ROLE]!(await openBroker())
