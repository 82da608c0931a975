import { randomUUID } from 'node:crypto'
import { until } from '@lab/kit/wait.ts'
import { type Consumer, Kafka, logLevel, type Message, Partitioners } from 'kafkajs'
import '@lab/stack/kafkajs-guard.ts'
import type { Contestant } from '../alternate.ts'
import { BenchInvalid } from '../bench.ts'

/** As many as the bulk sends at a time. */
const BATCH = 1_000
const READ_MS = 5 * 60_000
/** What the services of part C ask for. */
const FETCH = { maxWaitTimeInMs: 200, maxBytesPerPartition: 256 * 1024, sessionTimeout: 10_000 }

const open = (brokers: string[]) =>
  new Kafka({ clientId: 'lab-bare-kafkajs', brokers, connectionTimeout: 3_000, logLevel: logLevel.NOTHING })

interface Producing {
  brokers: string[]
  topic: string
  records: number
  recordBytes: number
}

/** kafkajs by itself: ready-made records, `acks=all`, one request in flight, as the bulk has it. Nothing is made, kept or logged. */
export function bareProducer({ brokers, topic, records, recordBytes }: Producing): Contestant {
  const value = Buffer.alloc(recordBytes, 'x')
  const batch = (size: number): Message[] =>
    Array.from({ length: size }, () => ({ key: randomUUID(), value }))
  return {
    name: 'kafkajs producer',
    round: async () => {
      const producer = open(brokers).producer({
        allowAutoTopicCreation: false,
        createPartitioner: Partitioners.DefaultPartitioner,
      })
      await producer.connect()
      const startedAt = performance.now()
      try {
        for (let sent = 0; sent < records; sent += BATCH)
          await producer.send({ topic, acks: -1, messages: batch(Math.min(BATCH, records - sent)) })
        return { records: perSecond(records, startedAt) }
      } finally {
        await producer.disconnect()
      }
    },
  }
}

interface Consuming {
  brokers: string[]
  /** Before the name of its group. */
  prefix: string
  topics: string[]
  records: number
}

/** kafkajs by itself: every record is decoded and counted, none is looked into. Joining the group is not counted. */
export function bareConsumer({ brokers, prefix, topics, records }: Consuming): Contestant {
  return {
    name: 'kafkajs consumer',
    round: async () => {
      const consumer = open(brokers).consumer({ groupId: `${prefix}lab-bare-${randomUUID()}`, ...FETCH })
      await consumer.connect()
      try {
        await consumer.subscribe({ topics, fromBeginning: true })
        return { records: await countUntil(consumer, records) }
      } finally {
        await consumer.disconnect()
      }
    },
  }
}

async function countUntil(consumer: Consumer, records: number): Promise<number> {
  let read = 0
  let startedAt = 0
  let rate: number | undefined
  consumer.on('consumer.group_join', () => {
    startedAt ||= performance.now()
  })
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 3,
    eachBatch: async ({ batch }) => {
      read += batch.messages.length
      if (read >= records) rate ??= perSecond(read, startedAt)
    },
  })
  return until(async () => rate, { what: `${records} records`, timeoutMs: READ_MS, everyMs: 10 }).catch(
    () => {
      throw new BenchInvalid(`kafkajs consumer read ${read} of ${records}`)
    },
  )
}

const perSecond = (records: number, startedAt: number) => (records / (performance.now() - startedAt)) * 1_000
