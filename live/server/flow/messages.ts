import { CONTENT_TYPE, orderPlaced } from '@lab/common/domain/events.ts'
import type { Order } from '@lab/common/domain/order.ts'
import { eventIdFor, newMessageId, newOrderId } from '@lab/common/ids.ts'
import { nextTraceparent } from '@lab/kit/trace.ts'
import type { LaneSource } from './lanes.ts'

interface Message {
  id: string
  order: string
  body: Buffer
}

/** The `OrderPlaced` of an order as its service sent it, id and all: who has handled it does nothing. */
export function sameAgain(order: Order, source: string): Message {
  const id = eventIdFor('placed', order.order_id)
  const now = order.timestamp * 1_000
  const event = orderPlaced(order, { id, source, now, traceparent: nextTraceparent(undefined) })
  return { id, order: order.order_id, body: Buffer.from(JSON.stringify(event)) }
}

/** An `OrderPlaced` whose quantity is a word: no consumer can make an order of it, and whoever corrects it has one. */
export function poison(item: string): Message {
  const order = newOrderId()
  const id = newMessageId()
  const timestamp = Date.now() / 1_000
  const event = {
    specversion: '1.0',
    id,
    source: 'live-page',
    type: 'OrderPlaced',
    subject: order,
    time: new Date(timestamp * 1_000).toISOString(),
    datacontenttype: 'application/json',
    traceparent: nextTraceparent(undefined),
    data: { order_id: order, item, quantity: 'two', timestamp, status: 'placed' },
  }
  return { id, order, body: Buffer.from(JSON.stringify(event)) }
}

export interface Sender {
  /** Resolves when the broker has taken the message, where the order service sends its own. */
  send: (message: Message) => Promise<void>
  close: () => Promise<void>
}

/** Straight to the lane's broker, past its order service. Undefined where there is no broker. */
export async function openSender({ rabbitmq, kafka }: LaneSource): Promise<Sender | undefined> {
  if (rabbitmq) return toRabbit(rabbitmq.amqpUrl)
  if (kafka) return toKafka(kafka)
  return undefined
}

async function toRabbit(amqpUrl: string): Promise<Sender> {
  const { connect } = await import('amqplib')
  const connection = await connect(amqpUrl, {
    timeout: 5_000,
    clientProperties: { connection_name: 'live-page-sender' },
  })
  connection.on('error', () => {})
  const channel = await connection.createConfirmChannel()
  channel.on('error', () => {})
  return {
    send: ({ id, order, body }) =>
      new Promise((resolve, reject) => {
        const options = {
          persistent: true,
          messageId: id,
          type: 'OrderPlaced',
          correlationId: order,
          contentType: CONTENT_TYPE,
          timestamp: Math.floor(Date.now() / 1_000),
        }
        channel.publish('orders_exchange', 'order.placed', body, options, (err) =>
          err ? reject(err) : resolve(),
        )
      }),
    close: () => connection.close().catch(() => {}),
  }
}

async function toKafka({ brokers, prefix }: NonNullable<LaneSource['kafka']>): Promise<Sender> {
  const { openProducer } = await import('@lab/stack/kafka-log.ts')
  const producer = await openProducer(brokers, 'live-page-sender')
  return {
    send: async ({ id, order, body }) => {
      const headers = { ce_id: id, ce_type: 'OrderPlaced', 'content-type': CONTENT_TYPE }
      await producer.send({
        topic: `${prefix}order-events`,
        acks: -1,
        messages: [{ key: order, value: body, headers }],
      })
    },
    close: () => producer.disconnect().catch(() => {}),
  }
}
