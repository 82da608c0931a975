import { randomUUID } from 'node:crypto'
import { messageOf } from '@lab/kit/errors.ts'
import { until } from '@lab/kit/wait.ts'
import { type Consumer, Kafka, logLevel, type Message, Partitioners } from 'kafkajs'
import type { Answer, Consuming, Producing, Work } from './kafka.ts'

/** As many as the bulk sends at a time. */
const BATCH = 1_000
const READ_MS = 5 * 60_000
/** What the services of part C ask for. */
const FETCH = { maxWaitTimeInMs: 200, maxBytesPerPartition: 384 * 1024, sessionTimeout: 10_000 }
/** While the code is compiled nothing is counted, as for Kafka's tools. */
const WARM_UP = 1 / 3

const tell = (answer: Answer) => process.send?.(answer)
process.once('message', (work: Work) => {
  const rate = work.kind === 'produce' ? produce(work) : consume(work)
  rate.then(
    (perSecond) => tell({ perSecond }),
    (err: unknown) => tell({ error: messageOf(err) }),
  )
})
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))

const open = (brokers: string[]) =>
  new Kafka({ clientId: 'lab-bare-kafkajs', brokers, connectionTimeout: 3_000, logLevel: logLevel.NOTHING })

/** Ready-made records, `acks=all`, one request in flight, as the bulk has it. Nothing is made, kept or logged. */
async function produce({ brokers, topic, records, recordBytes }: Producing): Promise<number> {
  const value = Buffer.alloc(recordBytes, 'x')
  const batch = (size: number): Message[] =>
    Array.from({ length: size }, () => ({ key: randomUUID(), value }))
  const producer = open(brokers).producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  try {
    const clock = startClock(records)
    for (let sent = 0; sent < records; sent += BATCH) {
      await producer.send({ topic, acks: -1, messages: batch(Math.min(BATCH, records - sent)) })
      clock.reached(Math.min(records, sent + BATCH))
    }
    return clock.perSecond()!
  } finally {
    await producer.disconnect()
  }
}

/** Every record is decoded and counted, none is looked into. */
async function consume({ brokers, prefix, topics, records }: Consuming): Promise<number> {
  const consumer = open(brokers).consumer({ groupId: `${prefix}lab-bare-${randomUUID()}`, ...FETCH })
  await consumer.connect()
  try {
    await consumer.subscribe({ topics, fromBeginning: true })
    return await countUntil(consumer, records)
  } finally {
    await consumer.disconnect()
  }
}

async function countUntil(consumer: Consumer, records: number): Promise<number> {
  const clock = startClock(records)
  let read = 0
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 3,
    eachBatch: async ({ batch }) => {
      read += batch.messages.length
      clock.reached(read)
    },
  })
  const what = `${records} records`
  return until(async () => clock.perSecond(), { what, timeoutMs: READ_MS, everyMs: 10 }).catch(() => {
    throw new Error(`kafkajs read ${read} of ${records} records`)
  })
}

/** Records per second of all but the first third, or of all where they come in one piece. */
function startClock(records: number) {
  let from = { count: 0, at: performance.now() }
  let rate: number | undefined
  return {
    reached(count: number): void {
      const at = performance.now()
      if (count >= records) rate ??= ((count - from.count) / (at - from.at)) * 1_000
      else if (from.count === 0 && count >= records * WARM_UP) from = { count, at }
    },
    perSecond: () => rate,
  }
}
