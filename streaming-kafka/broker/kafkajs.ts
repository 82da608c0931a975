import { createRequire } from 'node:module'
import { guardDecoding } from '@lab/kit/kafkajs-decoding.ts'
import { countingAllOf, guardRequestQueue } from '@lab/kit/kafkajs-guards.ts'
import type { Message, PartitionerArgs } from 'kafkajs'
import { claim, lieIn } from './answer-bytes.ts'
import { remembering } from './coordinators.ts'
import { type FetchAnswer, gathering } from './gather.ts'
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
}
/** What a request is made of, in order. */
interface Parts {
  parts: Buffer[]
}
type Produce = (request: ProduceRequest) => { encode: () => Promise<Encoder | Parts> }

const Encoder = require('kafkajs/src/protocol/encoder') as new (initialSize?: number) => Encoder
const encoder = () => new Encoder(SMALL)
const SMALL = 127

/** The library makes encoders for each record and header, and copies each into the next. */
export const originalProduce = replace<Produce>(
  'protocol/requests/produce/v3/request',
  (original) => (request) => {
    const isPlain = (request.compression ?? 0) === 0
    return { ...original(request), ...(isPlain && { encode: async () => encodeProduce(request) }) }
  },
)

function encodeProduce({
  acks,
  timeout,
  transactionalId = null,
  producerId = '-1',
  producerEpoch = 0,
  topicData,
}: ProduceRequest): Parts {
  const producer = {
    producerId: BigInt(String(producerId)),
    producerEpoch,
    isTransactional: transactionalId !== null,
  }
  const head = encoder().writeString(transactionalId).writeInt16(acks).writeInt32(timeout)
  const parts = [head.writeInt32(topicData.length).buffer]
  for (const { topic, partitions } of topicData) {
    parts.push(encoder().writeString(topic).writeInt32(partitions.length).buffer)
    for (const { partition, messages, firstSequence = 0 } of partitions) {
      const batch = encodeRecordBatch(messages, { ...producer, firstSequence })
      parts.push(encoder().writeInt32(partition).writeInt32(batch.length).buffer, batch)
    }
  }
  return { parts }
}

interface Request {
  correlationId: number
  clientId: string
  request: { apiKey: number; apiVersion: number; encode: () => Promise<Encoder | Parts> }
}
type CreateRequest = (request: Request) => Promise<{ buffer: Buffer }>

/** The library copies a request twice more, each time into the next power of two, filled with zeros before. */
export const originalCreateRequest = replace<CreateRequest>(
  'protocol/request',
  () =>
    async ({ correlationId, clientId, request: { apiKey, apiVersion, encode } }) => {
      const body = await encode()
      const parts = 'parts' in body ? body.parts : [body.buffer]
      const head = encoder().writeInt32(0).writeInt16(apiKey).writeInt16(apiVersion)
      const buffer = Buffer.concat([head.writeInt32(correlationId).writeString(clientId).buffer, ...parts])
      buffer.writeInt32BE(buffer.length - 4)
      return { buffer }
    },
)

// Reading

export const originalDecode = guardDecoding(require, decodeRecordBatch)

type DecodeMessages = (decoder: { buffer: Buffer }) => Promise<object[]>

replace<DecodeMessages>('protocol/requests/fetch/v4/decodeMessages', (decode) => async (decoder) => {
  const records = await decode(decoder)
  lieIn(decoder.buffer, records)
  return records
})

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
        claim(messages, this.messages)
      }
    },
)

// Receiving

interface Connection {
  requestQueue: { fulfillRequest: (answer: { size: number; correlationId: number; payload: Buffer }) => void }
  /** Of what was not whole. */
  bytesBuffered: number
  authHandlers: object | null
}

const { prototype: connection } = require('kafkajs/src/network/connection') as {
  prototype: { processData: (this: Connection, bytes: Buffer) => void }
}

/** The library joins what arrives with what was left of the answer before, also when nothing was. */
export const originalProcessData = connection.processData
connection.processData = function processData(bytes) {
  const size = bytes.length - 4
  const isWhole = this.bytesBuffered === 0 && size >= 4 && bytes.readInt32BE() === size
  if (!isWhole || this.authHandlers) return originalProcessData.call(this, bytes)
  this.requestQueue.fulfillRequest({ size, correlationId: bytes.readInt32BE(4), payload: bytes.subarray(8) })
}

// Asking

const { prototype: broker } = require('kafkajs/src/broker') as {
  prototype: { fetch: (request: object) => Promise<FetchAnswer> }
}
broker.fetch = gathering(broker.fetch)

const { prototype: cluster } = require('kafkajs/src/cluster') as {
  prototype: { findGroupCoordinator: ReturnType<typeof remembering> }
}
cluster.findGroupCoordinator = remembering(cluster.findGroupCoordinator)

export const originalSchedule = guardRequestQueue(require)
export const countingAll = countingAllOf(require)

export const { AssignerProtocol, Kafka, logLevel, Partitioners } =
  require('kafkajs') as typeof import('kafkajs')
