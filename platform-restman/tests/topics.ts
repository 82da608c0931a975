import { randomUUID } from 'node:crypto'
import { createLog } from '@lab/kit/log.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { type Bill, newEvent, type OrderPlaced, type OrderStatus, TOPICS } from '../shared/events/events.ts'
import { createKafka } from '../shared/kafka/client.ts'
import { ensureTopics } from '../shared/kafka/topics.ts'
import { moved } from './events.ts'

export type Topics = Awaited<ReturnType<typeof openTopics>>

/** A client of the part leaves it to its caller to begin again after an error: a bare reader would stay deaf. */
const AGAIN = { restartOnFailure: async () => true }

/** Tells events as the services would, and reads what was put aside. */
export async function openTopics({ servers }: RunningPart) {
  const { brokers, prefix } = servers.kafka!
  const settings = {
    brokers,
    prefix,
    replicationFactor: 1,
    clientId: 'test',
    log: createLog('test', 'silent'),
  }
  await ensureTopics(settings)
  const kafka = createKafka(settings)
  const producer = kafka.producer()
  await producer.connect()
  const raw = async (topic: string, key: string, value: string) => {
    await producer.send({ topic: `${prefix}${topic}`, messages: [{ key, value }] })
  }
  const tell = (topic: string, key: string, event: object) => raw(topic, key, JSON.stringify(event))

  const letters: Record<string, string>[] = []
  const reader = kafka.consumer({
    groupId: `${prefix}test-${randomUUID()}`,
    maxWaitTimeInMs: 100,
    retry: AGAIN,
  })
  await reader.connect()
  await reader.subscribe({
    topics: Object.values(TOPICS).map((topic) => `${prefix}${topic}.dlt`),
    fromBeginning: true,
  })
  await reader.run({
    eachMessage: async ({ message }) => {
      letters.push(
        Object.fromEntries(
          Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
        ),
      )
    },
  })

  return {
    raw,
    /** An order of two for 10.05. */
    order: (over: Partial<OrderPlaced> = {}): OrderPlaced => ({
      order_id: randomUUID(),
      user_id: randomUUID(),
      email: 'a@example.com',
      restaurant_id: randomUUID(),
      owner_id: randomUUID(),
      total_cents: 2_010,
      status: 'placed',
      created_at: new Date().toISOString(),
      items: [
        {
          order_item_id: randomUUID(),
          food_id: randomUUID(),
          food_name: 'Pizza',
          quantity: 2,
          unit_price_cents: 1_005,
          total_price_cents: 2_010,
        },
      ],
      ...over,
    }),
    place: (order: OrderPlaced) =>
      tell(
        TOPICS.order,
        order.order_id,
        newEvent({ type: 'order.placed', source: 'order-service', subject: order.order_id, data: order }),
      ),
    status: (order_id: string, status: OrderStatus) => tell(TOPICS.order, order_id, moved(order_id, status)),
    async bill(
      order: OrderPlaced,
      over: Partial<Bill> = {},
      type: 'bill.created' | 'bill.paid' = 'bill.created',
    ): Promise<Bill> {
      const { order_id, user_id, restaurant_id, owner_id, total_cents, created_at } = order
      const tax_cents = Math.floor((total_cents + 5) / 10)
      const data: Bill = {
        bill_id: randomUUID(),
        order_id,
        user_id,
        restaurant_id,
        owner_id,
        created_at,
        subtotal_cents: total_cents,
        tax_cents,
        total_cents: total_cents + tax_cents,
        payment_status: 'unpaid',
        paid_at: null,
        ...over,
      }
      await tell(
        TOPICS.bill,
        order_id,
        newEvent({ type, source: 'billing-service', subject: order_id, data }),
      )
      return data
    },
    deadLetters: async (topic: string) => letters.filter(({ origin_topic }) => origin_topic === topic),
    close: async () => {
      await reader.disconnect()
      await producer.disconnect()
    },
  }
}
