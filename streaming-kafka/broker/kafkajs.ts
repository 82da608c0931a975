import { createRequire } from 'node:module'
import { guardDecoding } from '@lab/kit/kafkajs-decoding.ts'
import { countingAllOf, guardRequestQueue } from '@lab/kit/kafkajs-guards.ts'
import type { Message, PartitionerArgs } from 'kafkajs'
import { decodeRecordBatch, encodeRecordBatch, type LogRecord } from './record-batch.ts'

// kafkajs 2.2.4, with the inner loops of this folder in the place of its own. They have to be there before the library
// loads: everything in this folder takes it from here. What a part of it did by itself is kept, so that the tests can hold
// the two against each other.

const require = createRequire(import.meta.url)

function replace<Module>(path: string, replacement: (original: Module) => Module): Module {
  const at = require.resolve(`kafkajs/src/${path}`)
  const original: Module = require(at)
  require.cache[at]!.exports = replacement(original)
  return original
}

// Writing

interface Grouping {
  topic: string
  partitionMetadata: PartitionerArgs['partitionMetadata']
  messages: Message[]
  partitioner: (args: PartitionerArgs) => number
}
type Group = (grouping: Grouping) => Record<number, Message[]>

/** The library copies a partition's list for every message that is added to it. */
const groupByPartition: Group = ({ topic, partitionMetadata, messages, partitioner }) => {
  if (partitionMetadata.length === 0) return {}
  const groups: Record<number, Message[]> = {}
  for (const message of messages) {
    const partition = partitioner({ topic, partitionMetadata, message })
    groups[partition] ??= []
    groups[partition].push(message)
  }
  return groups
}
export const originalGroup = replace<Group>('producer/groupMessagesPerPartition', () => groupByPartition)

interface ProduceRequest {
  acks: number
  timeout: number
  transactionalId?: string | null
  producerId?: { toString(): string }
  producerEpoch?: number
  compression?: number
  topicData: {
    topic: string
    partitions: { partition: number; messages: Message[]; firstSequence?: number }[]
  }[]
}
interface Encoder {
  readonly buffer: Buffer
  writeInt16: (value: number) => Encoder
  writeInt32: (value: number) => Encoder
  writeString: (value: string | null) => Encoder
  writeBufferInternal: (value: Buffer) => void
}
type Produce = (request: ProduceRequest) => { encode: () => Promise<Encoder> }

const Encoder = require('kafkajs/src/protocol/encoder') as new (initialSize?: number) => Encoder

/** The library makes encoders for each record and header, and copies each into the next. */
export const originalProduce = replace<Produce>(
  'protocol/requests/produce/v3/request',
  (original) => (request) => {
    const isPlain = (request.compression ?? 0) === 0
    return { ...original(request), ...(isPlain && { encode: async () => encodeProduce(request) }) }
  },
)

const ROOM_FOR_NAMES = 1_024

function encodeProduce({
  acks,
  timeout,
  transactionalId = null,
  producerId = '-1',
  producerEpoch = 0,
  topicData,
}: ProduceRequest): Encoder {
  const producer = {
    producerId: BigInt(String(producerId)),
    producerEpoch,
    isTransactional: transactionalId !== null,
  }
  const encoded = topicData.map(({ topic, partitions }) => ({
    topic,
    batches: partitions.map(({ partition, messages, firstSequence = 0 }) => ({
      partition,
      batch: encodeRecordBatch(messages, { ...producer, firstSequence }),
    })),
  }))
  const size = encoded.flatMap(({ batches }) => batches).reduce((sum, { batch }) => sum + batch.length, 0)

  // Of the right size at once: by itself it grows by copying, and leaves three times as much garbage.
  const encoder = new Encoder(size + ROOM_FOR_NAMES)
  encoder.writeString(transactionalId).writeInt16(acks).writeInt32(timeout).writeInt32(encoded.length)
  for (const { topic, batches } of encoded) {
    encoder.writeString(topic).writeInt32(batches.length)
    for (const { partition, batch } of batches)
      encoder.writeInt32(partition).writeInt32(batch.length).writeBufferInternal(batch)
  }
  return encoder
}

// Reading

export const originalDecode = guardDecoding(require, decodeRecordBatch)

interface Fetched {
  abortedTransactions: object[]
  messages: LogRecord[]
}
interface FetchedBatch {
  rawMessages: LogRecord[]
  messagesWithinOffset: LogRecord[]
  messages: LogRecord[]
}
type BatchOfFetch = new (topic: string, fetchedOffset: string, partition: Fetched) => FetchedBatch

const withoutAborted = require('kafkajs/src/consumer/filterAbortedMessages') as (
  fetched: Fetched,
) => LogRecord[]

/** A fetch may begin before the offset that was asked for. The library compares each offset, as a 64-bit object made of text. */
export const OriginalBatch = replace<BatchOfFetch>(
  'consumer/batch',
  (Original) =>
    class Batch extends Original {
      constructor(topic: string, fetchedOffset: string, partition: Fetched) {
        super(topic, fetchedOffset, { ...partition, messages: [] })
        const { messages, abortedTransactions } = partition
        const from = Number(fetchedOffset)
        const before = messages.findIndex(({ offset }) => Number(offset) >= from)
        this.rawMessages = messages
        this.messagesWithinOffset = before === -1 ? [] : messages.slice(before)
        const seen = withoutAborted({ messages: this.messagesWithinOffset, abortedTransactions })
        this.messages = seen.filter(({ isControlRecord }) => !isControlRecord)
      }
    },
)

// Asking

export const originalSchedule = guardRequestQueue(require)
export const countingAll = countingAllOf(require)

export const { AssignerProtocol, Kafka, logLevel, Partitioners } =
  require('kafkajs') as typeof import('kafkajs')
