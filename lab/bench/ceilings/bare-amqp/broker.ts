import type { Duplex } from 'node:stream'
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { RABBITMQ_URL } from './config.ts'

export const EXCHANGE = 'bare_exchange'

/** As part B has them: quorum, with its delivery limit; stock has one owner. */
const WORK_QUEUE = { 'x-queue-type': 'quorum', 'x-delivery-limit': 20 }
const QUEUES = [
  { queue: 'bare_inventory', pattern: 'order.placed', args: { 'x-single-active-consumer': true } },
  { queue: 'bare_notification', pattern: 'inventory.reserved', args: {} },
  { queue: 'bare_status', pattern: 'inventory.*', args: {} },
]
/** The default of part B's PREFETCH. */
const PREFETCH = 250

export interface Broker {
  channel: ConfirmChannel
  close: () => Promise<void>
}

/** A confirm channel on a connection of its own, with the chain's queues declared. */
export async function openBroker(): Promise<Broker> {
  const connection = await connect(RABBITMQ_URL, { noDelay: true })
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
export function publish(channel: ConfirmChannel, routingKey: string, body: Buffer): Promise<void> {
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
