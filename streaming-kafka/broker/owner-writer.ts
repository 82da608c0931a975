import { setTimeout as sleep } from 'node:timers/promises'
import { bounded, settlesWithin } from '@lab/kit/bounded.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { Message, Producer, TopicMessages, Transaction } from 'kafkajs'
import { createKafka, type KafkaSettings } from './client.ts'
import type { Offset } from './consumer.ts'
import { isTransientInTransaction } from './failures.ts'
import { LastPartitions } from './partitioner.ts'
import { Written } from './record-batch.ts'

/**
 * The default back-off of 300 ms would be paid by most transactions: the broker answers the first request of one with
 * CONCURRENT_TRANSACTIONS until the markers of the one before are written, which takes a few milliseconds.
 */
const RETRY = { initialRetryTime: 4, multiplier: 1.5, factor: 0, maxRetryTime: 500, retries: 14 }
const OPEN_WITHIN_MS = 15_000
const WRITE_WITHIN_MS = 10_000
const DISCONNECT_WITHIN_MS = 2_000
/** After this the broker aborts what a dead owner left open, so that readers are not held up. */
const TRANSACTION_TIMEOUT_MS = 10_000
/** kafkajs makes one record batch a partition and request; the broker takes 1 MiB of it. */
const MAX_BATCH_BYTES = 700_000
/** What a record may be more than its value, its key and its headers, and an event's more than its value. */
const AROUND = 300
/** At most, of a key, a value, and a header's name and value, which stand behind theirs. */
const LENGTH_BYTES = 5

export interface OwnerWrite {
  records: { topic: string; message: Message }[]
  /**
   * What the group has read with this; commits with the records or not at all. The broker keeps the note beside it, at
   * most 4 KiB.
   */
  offsets: (Offset & { note: string })[]
}

export interface OwnerWriter {
  /**
   * Writes records and offsets in one transaction: readers see all of it, or nothing. When it throws, the outcome is
   * unknown and the writer is spent: open another one and read the log. `isFenced` tells whether a newer owner exists.
   */
  write: (write: OwnerWrite) => Promise<void>
  close: () => Promise<void>
}

/**
 * Opens the one writer of `transactionalId`. When this returns, whatever an earlier writer had begun is committed or
 * aborted for good, and the broker refuses everything it still sends. So the log read after this is all there will be.
 */
export async function openOwnerWriter(
  settings: KafkaSettings,
  { transactionalId, groupId }: { transactionalId: string; groupId: string },
): Promise<OwnerWriter> {
  const full = (name: string) => `${settings.prefix}${name}`
  const partitions = new LastPartitions()
  const producer = createKafka(settings, { retry: RETRY }).producer({
    transactionalId: full(transactionalId),
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    maxInFlightRequests: 1,
    createPartitioner: partitions.createPartitioner,
    allowAutoTopicCreation: false,
  })
  const close = async () => {
    await settlesWithin(producer.disconnect(), DISCONNECT_WITHIN_MS)
  }
  try {
    await bounded(fenceFormerOwners(producer), OPEN_WITHIN_MS, `becoming ${transactionalId}`)
  } catch (err) {
    await close()
    throw err
  }
  return {
    write: ({ records, offsets }) => {
      const named = {
        records: records.map(({ topic, message }) => ({ topic: full(topic), message })),
        offsets: offsets.map((offset) => ({ ...offset, topic: full(offset.topic) })),
      }
      const transaction = inTransaction(producer, partitions, full(groupId), named)
      return bounded(transaction, WRITE_WITHIN_MS, 'a transaction')
    },
    close,
  }
}

/** kafkajs initialises the producer id, which bumps the epoch, when it begins its first transaction. */
async function fenceFormerOwners(producer: Producer): Promise<void> {
  await producer.connect()
  const first = await producer.transaction()
  await first.abort()
}

async function inTransaction(
  producer: Producer,
  partitions: LastPartitions,
  groupId: string,
  { records, offsets }: OwnerWrite,
) {
  const transaction = await producer.transaction()
  for (const topicMessages of requestsOf(records, partitions))
    await transaction.sendBatch({ acks: -1, topicMessages })
  reachStep('kafka.records-sent')
  await sendOffsets(transaction, groupId, offsets)
  reachStep('kafka.offsets-sent')
  await transaction.commit()
}

async function sendOffsets(
  transaction: Transaction,
  consumerGroupId: string,
  offsets: OwnerWrite['offsets'],
) {
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([topic, entries]) => ({
    topic,
    partitions: entries.map(({ partition, offset, note }) => ({
      partition,
      offset: String(offset),
      metadata: note,
    })),
  }))
  for (let attempt = 0; ; attempt++) {
    try {
      return await transaction.sendOffsets({ consumerGroupId, topics })
    } catch (err) {
      // The library retries these in `send`. Here, where a transaction without records begins, it looks for them under
      // names they do not have (COORDINATOR_NOT_AVAILABLE for GROUP_COORDINATOR_NOT_AVAILABLE, and so on).
      if (!isTransientInTransaction(err) || attempt >= RETRY.retries) throw err
      await sleep(RETRY.initialRetryTime * RETRY.multiplier ** attempt)
    }
  }
}

/**
 * Splits records into requests no partition of which can grow past what the broker takes. Where an event goes is known by what its topic
 * was at the last write; until then, and for letters of any size and key, all of a topic counts as one partition.
 */
export function requestsOf(
  records: OwnerWrite['records'],
  { partitionOf }: Pick<LastPartitions, 'partitionOf'>,
): TopicMessages[][] {
  const requests: OwnerWrite['records'][] = []
  const bytes = new Map<string, number[]>()
  for (const record of records) {
    const { topic, message } = record
    const event = isEvent(message)
    const partition = event ? partitionOf(topic, message) : 0
    const size = (event ? message.value.length : bytesOf(message)) + AROUND
    const before = bytes.get(topic)?.[partition] ?? 0
    if (requests.length === 0 || (before > 0 && before + size > MAX_BATCH_BYTES)) {
      requests.push([])
      bytes.clear()
    }
    requests.at(-1)?.push(record)
    const ofTopic = bytes.get(topic) ?? []
    bytes.set(topic, ofTopic)
    ofTopic[partition] = (ofTopic[partition] ?? 0) + size
  }
  return requests.map((request) =>
    [...Map.groupBy(request, ({ topic }) => topic)].map(([topic, entries]) => ({
      topic,
      messages: entries.map(({ message }) => message),
    })),
  )
}

const isEvent = (message: Message): message is Message & { value: Buffer } =>
  (message.value as unknown) instanceof Written

const bytesOf = ({ key, value, headers = {} }: Message): number =>
  [key, value, ...Object.entries(headers).flat(2)].reduce(
    (sum: number, bytes) => sum + Buffer.byteLength(bytes ?? '') + LENGTH_BYTES,
    0,
  )
