import { setTimeout as sleep } from 'node:timers/promises'
import { anOrder, anOrderPlaced } from '@lab/common/testing/builders.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { startPart } from '@lab/stack/part.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { connect } from 'amqplib'
import kafkajs from 'kafkajs'
import { parts } from '../../parts.ts'
import type { LivePart } from '../wire/parts.ts'

export type DeskPart = 'async-rabbitmq' | 'streaming-kafka'

/** A part with dead letters, seen from outside, and somebody who writes messages past its order service. */
export interface PartWithLetters {
  part: RunningPart
  /** As `LIVE_PARTS` has it. */
  seen: LivePart
  /** To the inventory, which refuses it: an item that nobody sells. Answers the order's id. */
  poison: () => Promise<string>
  /** Puts an event that nothing is wrong with among the dead letters, as if its consumer had given it up. */
  bury: (event: PlacedEvent, reason: string) => Promise<void>
  stock: () => Promise<Record<string, number>>
  close: () => Promise<void>
}

export type PlacedEvent = ReturnType<typeof anOrderPlaced>
type Message = Pick<PlacedEvent, 'id' | 'type' | 'subject'> & { data: unknown }

export const NOT_SOLD = 'sushi'
export const event = (): PlacedEvent => anOrderPlaced(anOrder({ item: 'burger', quantity: 1 }))

export async function openPart(name: DeskPart): Promise<PartWithLetters> {
  const spec = parts.find((one) => one.name === name)!
  const kind = name === 'async-rabbitmq' ? 'rabbitmq' : 'kafka'
  const part = await startPart(spec, { run: joinRunDir(), servers: { [kind]: sharedServer(kind) } })
  const writer = await (kind === 'rabbitmq' ? rabbitWriter(part) : kafkaWriter(part))
  const services = Object.values(part.services)
  const inventory = services.find((service) => service.name.startsWith('inventory'))!
  const { rabbitmq, kafka } = part.servers
  return {
    part,
    seen: {
      name,
      style: spec.style,
      isTrio: spec.isTrio,
      services: Object.fromEntries(services.map((service) => [service.name, service.url])),
      servers: {
        ...(rabbitmq && {
          rabbitmq: { amqpUrl: rabbitmq.url, managementUrl: rabbitmq.managementUrl, vhost: '/' },
        }),
        ...(kafka && { kafka: { brokers: kafka.brokers, prefix: kafka.prefix } }),
      },
    },
    poison: async () => {
      const good = event()
      await writer.send({ ...good, data: { ...good.data, item: NOT_SOLD } })
      return good.subject
    },
    bury: writer.bury,
    stock: async () => (await fetch(`${inventory.url}/stock`)).json() as Promise<Record<string, number>>,
    close: async () => {
      await writer.close()
      await part.close()
    },
  }
}

async function rabbitWriter(part: RunningPart) {
  const connection = await connect(part.servers.rabbitmq!.url)
  connection.on('error', () => {})
  const channel = await connection.createConfirmChannel()
  const properties = ({ id, type }: Message) => ({ messageId: id, type, persistent: true })
  return {
    send: async (message: Message) => {
      channel.sendToQueue('inventory_queue', Buffer.from(JSON.stringify(message)), properties(message))
      await channel.waitForConfirms()
    },
    bury: async (message: Message, reason: string) => {
      // Two letters of one moment that differ in nothing are hard to tell apart.
      await sleep(2)
      const headers = {
        'x-reason': reason,
        'x-attempts': 4,
        'x-origin-queue': 'inventory_queue',
        'x-dead-lettered-at': new Date().toISOString(),
      }
      const body = Buffer.from(JSON.stringify(message))
      channel.publish('dead_letter_exchange', '', body, { ...properties(message), headers })
      await channel.waitForConfirms()
    },
    close: () => connection.close(),
  }
}

async function kafkaWriter(part: RunningPart) {
  const { brokers, prefix } = part.servers.kafka!
  const { Kafka, logLevel, Partitioners } = kafkajs
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  await producer.connect()
  const send = async (topic: string, message: Message, headers: Record<string, string> = {}) => {
    const messages = [
      { key: message.subject, value: JSON.stringify(message), headers: { ce_id: message.id, ...headers } },
    ]
    await producer.send({ topic: `${prefix}${topic}`, acks: -1, messages })
  }
  const origin = { origin_topic: 'order-events', origin_partition: '0', origin_offset: '1000000' }
  return {
    send: (message: Message) => send('order-events', message),
    bury: (message: Message, reason: string) => send('order-events.dlt', message, { ...origin, reason }),
    close: () => producer.disconnect(),
  }
}
