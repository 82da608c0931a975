import { randomUUID } from 'node:crypto'
import { within } from '@lab/kit/wait.ts'
import type { Consumer, IHeaders, Kafka, KafkaMessage } from 'kafkajs'

/** By partition, the offset up to which (exclusive) there is something to read. */
export type Positions = Map<number, bigint>

export interface TopicRecord {
  partition: number
  offset: string
  /** Milliseconds since the epoch, the record's own timestamp. */
  timestamp: number
  key: string | null
  value: Buffer | null
  headers: Record<string, string>
  /** Why this stands in for records that cannot be read; `value` is then their bytes. */
  unreadable?: string
}

/**
 * Reads a topic from its beginning up to `ends`, with a group that exists for this reading only. The end of the log can
 * be a transaction marker, which is no record: progress is what the client says it has passed, not what it delivered.
 */
export async function readTopic(
  { kafka, prefix }: { kafka: Kafka; prefix: string },
  topic: string,
  ends: Positions,
  { timeoutMs = 30_000, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<TopicRecord[]> {
  if (ends.size === 0) return []
  const groupId = `${prefix}lab-probe-${randomUUID()}`
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 250,
    sessionTimeout: 10_000,
  })
  const records: TopicRecord[] = []
  try {
    const work = read(consumer, { topic, ends, records, signal })
    await within(work, timeoutMs, `the whole of ${topic}`)
  } finally {
    await removeGroup(kafka, consumer, groupId).catch(() => {
      // What was read is right all the same; the broker forgets an empty group in time.
    })
  }
  return records
}

interface Reading {
  topic: string
  ends: Positions
  records: TopicRecord[]
  signal: AbortSignal | undefined
}

async function read(consumer: Consumer, { topic, ends, records, signal }: Reading): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  promise.catch(() => {
    // An abort can come before anyone waits for this; whoever does then hears of it.
  })
  const open = new Map(ends)
  const onAbort = () => reject(signal?.reason)
  signal?.throwIfAborted()
  signal?.addEventListener('abort', onAbort, { once: true })
  // A crash that kafkajs restarts from is a state of the broker, such as a coordinator that still loads.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) reject(payload.error)
  })
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const end = open.get(payload.partition)
    if (end !== undefined && BigInt(payload.lastOffset) + 1n >= end) open.delete(payload.partition)
    if (open.size === 0) resolve()
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const end = ends.get(batch.partition)
      for (const message of batch.messages as (KafkaMessage & { unreadable?: string })[]) {
        const { offset, timestamp, key, value, headers, unreadable } = message
        // What came after the call is not part of the answer.
        if (end === undefined || BigInt(offset) >= end) continue
        const record = {
          key: key?.toString() ?? null,
          value,
          headers: texts(headers),
          ...(unreadable !== undefined && { unreadable }),
        }
        records.push({ partition: batch.partition, offset, timestamp: Number(timestamp), ...record })
      }
    },
  })
  await promise.finally(() => signal?.removeEventListener('abort', onAbort))
}

const texts = (headers: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name, [value].flat().map(String).join(', ')]),
  )

/** A group that is left behind would show up in every list of groups. */
async function removeGroup(kafka: Kafka, consumer: Consumer, groupId: string): Promise<void> {
  const admin = kafka.admin()
  await within(consumer.disconnect(), 5_000, `${groupId} to leave`)
  await within(admin.connect(), 5_000, 'an admin connection')
  await within(admin.deleteGroups([groupId]), 5_000, `${groupId} to be deleted`)
  await within(admin.disconnect(), 5_000, 'an admin connection to close')
}
