import { setTimeout as sleep } from 'node:timers/promises'
import { bounded, settlesWithin } from '@lab/kit/bounded.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { Message, Producer, TopicMessages, Transaction } from 'kafkajs'
import { createKafka, type KafkaSettings } from './client.ts'
import type { Offset } from './consumer.ts'
import { isTransientInTransaction } from './failures.ts'
import { createPartitioner } from './partitioner.ts'

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
const MAX_REQUEST_BYTES = 700_000
const MAX_REQUEST_RECORDS = 3_000

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
  const producer = createKafka(settings, { retry: RETRY }).producer({
    transactionalId: full(transactionalId),
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    maxInFlightRequests: 1,
    createPartitioner,
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
      return bounded(inTransaction(producer, full(groupId), named), WRITE_WITHIN_MS, 'a transaction')
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

async function inTransaction(producer: Producer, groupId: string, { records, offsets }: OwnerWrite) {
  const transaction = await producer.transaction()
  for (const topicMessages of requestsOf(records)) await transaction.sendBatch({ acks: -1, topicMessages })
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

/** Splits records into requests no partition of which can grow past what the broker takes. */
export function requestsOf(records: OwnerWrite['records']): TopicMessages[][] {
  const requests: OwnerWrite['records'][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const size = record.message.value?.length ?? 0
    if (bytes + size > MAX_REQUEST_BYTES || (requests.at(-1)?.length ?? 0) >= MAX_REQUEST_RECORDS) {
      requests.push([])
      bytes = 0
    }
    requests.at(-1)?.push(record)
    bytes += size + 300
  }
  return requests.map((request) =>
    [...Map.groupBy(request, ({ topic }) => topic)].map(([topic, entries]) => ({
      topic,
      messages: entries.map(({ message }) => message),
    })),
  )
}
