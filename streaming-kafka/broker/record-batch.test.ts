import { createRequire } from 'node:module'
import { readRecordBatches } from '@lab/kit/record-batches.ts'
import fc from 'fast-check'
import type { KafkaMessage, Message, PartitionerArgs } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { OriginalBatch, originalGroup, originalProduce } from './kafkajs.ts'
import { createPartitioner } from './partitioner.ts'
import { type BatchOrigin, decodeRecordBatch, encodeRecordBatch, type Span, Written } from './record-batch.ts'

const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder')
const decodeByKafkajs: (decoder: object) => Promise<{ records: KafkaMessage[] }> =
  require('kafkajs/src/protocol/recordBatch/v0/decoder')
const murmur2ByKafkajs: (key: Buffer | string) => number =
  require('kafkajs/src/producer/partitioners/default/murmur2')
const Batch: typeof OriginalBatch = require('kafkajs/src/consumer/batch')
const group: typeof originalGroup = require('kafkajs/src/producer/groupMessagesPerPartition')
const produce: typeof originalProduce = require('kafkajs/src/protocol/requests/produce/v3/request')

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }))
const field = fc.oneof(bytes, text)
const INHERITED = Object.getOwnPropertyNames(Object.prototype)
/** Kafkajs takes an inherited property for a header that came before. */
const name = text.filter((key) => !INHERITED.includes(key))
const message: fc.Arbitrary<Message> = fc.record(
  {
    key: fc.option(field),
    value: fc.option(field),
    headers: fc.dictionary(name, fc.oneof(field, fc.array(bytes, { minLength: 2, maxLength: 3 })), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    timestamp: fc.integer({ min: 1_000_000_000_000, max: 2_000_000_000_000 }).map(String),
  },
  { requiredKeys: ['value'] },
)
const messages = fc.array(message, { minLength: 1, maxLength: 20 })
const origin: fc.Arbitrary<BatchOrigin> = fc.record({
  producerId: fc.bigInt({ min: -1n, max: 2n ** 62n }),
  producerEpoch: fc.integer({ min: 0, max: 30_000 }),
  firstSequence: fc.nat(),
  isTransactional: fc.boolean(),
})

const A_PRODUCER: BatchOrigin = {
  producerId: 1n,
  producerEpoch: 0,
  firstSequence: 0,
  isTransactional: false,
}
const FIRST_RECORD = 61

const bytesOf = (encoded: { buffer: Buffer } | { parts: Buffer[] }) =>
  'parts' in encoded ? Buffer.concat(encoded.parts) : encoded.buffer

/** What of a record anybody here asks for. */
const seen = (record: KafkaMessage) => {
  const { isControlRecord, batchContext } = record as unknown as {
    isControlRecord: boolean
    batchContext: { inTransaction: boolean; producerId: string }
  }
  const { key, value, headers, offset, timestamp } = record
  const { inTransaction, producerId } = batchContext
  return { key, value, headers, offset, timestamp, isControlRecord, inTransaction, producerId }
}
const byKafkajs = async (batch: Buffer) =>
  (await decodeByKafkajs(new Decoder(batch))).records.map((record) => seen(record))
const byUs = async (batch: Buffer) =>
  (await decodeRecordBatch(batch)).map((record) => seen(record as unknown as KafkaMessage))

const bytesIn = (span: Span | null) => span?.bytes.subarray(span.from, span.to) ?? null

describe('a record batch', () => {
  test('is read the same by kafkajs, whatever is in it', async () => {
    const property = fc.asyncProperty(messages, origin, async (sent, from) => {
      const batch = encodeRecordBatch(sent, from, 1_700_000_000_000)
      const records = await byKafkajs(batch)

      expect(await byUs(batch)).toEqual(records)
      for (const record of await decodeRecordBatch(batch)) {
        expect(record.time).toBe(Number(record.timestamp))
        expect(bytesIn(record.keySpan)).toEqual(record.key)
        expect(bytesIn(record.valueSpan)).toEqual(record.value)
      }
      expect(records.map(({ value }) => value)).toEqual(
        sent.map(({ value }) => (value === null ? null : Buffer.from(value as string))),
      )
      expect(records.map(({ timestamp }) => timestamp)).toEqual(
        sent.map(({ timestamp = '1700000000000' }) => timestamp),
      )
      expect(records.every(({ producerId }) => producerId === String(from.producerId))).toBe(true)
    })
    await fc.assert(property, { numRuns: 300 })
  })

  test('has a value that writes itself as it has its text, however long', () => {
    class Crosses extends Written {
      readonly length: number
      constructor(length: number) {
        super()
        this.length = length
      }
      writeTo(bytes: Buffer, at: number) {
        bytes.fill('x', at, at + this.length)
      }
      toString() {
        return 'x'.repeat(this.length)
      }
    }
    const from: BatchOrigin = { producerId: -1n, producerEpoch: 0, firstSequence: 0, isTransactional: false }
    for (const length of [0, 1, 63, 64, 8_191, 8_192, 3_000_000]) {
      const values = [new Crosses(length), new Crosses(1)]
      const written = values.map((value) => ({ key: 'k', value: value as unknown as string }))
      const asText = values.map((value) => ({ key: 'k', value: String(value) }))

      expect(encodeRecordBatch(written, from, 0).equals(encodeRecordBatch(asText, from, 0))).toBe(true)
    }
  })

  test('has its headers whatever they are called', async () => {
    const sent = Object.fromEntries(INHERITED.map((header) => [header, Buffer.from(`of ${header}`)]))
    const batch = encodeRecordBatch([{ value: 'x', headers: sent }], A_PRODUCER)
    const [record] = await byUs(batch)
    expect(Object.entries(record!.headers!)).toEqual(Object.entries(sent))

    const again = encodeRecordBatch([{ value: 'x', headers: record!.headers! }], A_PRODUCER)
    expect(again.subarray(FIRST_RECORD)).toEqual(batch.subarray(FIRST_RECORD))
  })

  test('is byte for byte what kafkajs writes', async () => {
    const property = fc.asyncProperty(messages, origin, async (sent, { isTransactional, ...from }) => {
      const timestamp = sent.every((one) => one.timestamp !== undefined) ? {} : { timestamp: '1700000000000' }
      const request = {
        acks: -1,
        timeout: 1_000,
        transactionalId: isTransactional ? 'owner' : null,
        ...from,
        producerId: from.producerId as unknown as { toString(): string },
        topicData: [
          {
            topic: 'order-events',
            partitions: [
              {
                partition: 2,
                firstSequence: from.firstSequence,
                messages: sent
                  .filter(({ key, value }) => key !== undefined && value !== null)
                  .map((one) => ({ ...one, ...timestamp })),
              },
            ],
          },
        ],
      }
      fc.pre(request.topicData[0]!.partitions[0]!.messages.length > 0)
      expect(bytesOf(await produce(request).encode())).toEqual(
        bytesOf(await originalProduce(request).encode()),
      )
    })
    await fc.assert(property, { numRuns: 300 })
  })

  test('that is damaged ends in an error or in records, never in a loop or another failure', async () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
    const property = fc.asyncProperty(messages, origin, damage, async (sent, from, changes) => {
      const batch = encodeRecordBatch(sent, from)
      for (const [at, byte] of changes) batch[21 + (at % (batch.length - 21))] = byte
      const records = await readRecordBatches(batch, decodeRecordBatch)
      for (const record of records)
        expect('unreadable' in record ? record.unreadable : 'cannot be read').toContain('cannot be read')
    })
    await fc.assert(property, { numRuns: 500 })
  })
})

describe('what is in the place of inner loops of kafkajs', () => {
  const partitionMetadata = [0, 1, 2].map((partitionId) => ({
    partitionId,
    leader: 1,
  })) as unknown as PartitionerArgs['partitionMetadata']

  test('finds the partition of a key as every other client does', () => {
    const partition = createPartitioner()
    fc.assert(
      fc.property(fc.oneof(field, fc.uuid()), (key) => {
        const expected = (murmur2ByKafkajs(key) & 0x7fffffff) % 3
        expect(partition({ topic: 't', partitionMetadata, message: { key, value: '' } })).toBe(expected)
      }),
      { numRuns: 1_000 },
    )
    expect(partition({ topic: 't', partitionMetadata, message: { partition: 2, key: 'a', value: '' } })).toBe(
      2,
    )
    const without = () => partition({ topic: 't', partitionMetadata, message: { key: null, value: '' } })
    expect(new Set([without(), without(), without()])).toEqual(new Set([0, 1, 2]))
  })

  test('groups messages by partition, in order', () => {
    const partitioner = createPartitioner()
    fc.assert(
      fc.property(fc.array(fc.uuid()), (keys) => {
        const grouping = {
          topic: 't',
          partitionMetadata,
          partitioner,
          messages: keys.map((key) => ({ key, value: key })),
        }
        expect(group(grouping)).toEqual(originalGroup(grouping))
      }),
    )
  })

  test('leaves out of a fetch what the library leaves out of it', async () => {
    const from = { producerId: 7n, producerEpoch: 0, firstSequence: 0, isTransactional: true }
    const marker = (offset: number, type: number) => {
      const batch = encodeRecordBatch([{ key: Buffer.from([0, 0, 0, type]), value: Buffer.alloc(6) }], from)
      batch.writeBigInt64BE(BigInt(offset), 0)
      batch.writeInt16BE(0x30, 21)
      return batch
    }
    const data = (offset: number, count: number, producerId = 7n) => {
      const sent = Array.from({ length: count }, (_, i) => ({ value: `${offset + i}` }))
      const batch = encodeRecordBatch(sent, { ...from, producerId })
      batch.writeBigInt64BE(BigInt(offset), 0)
      return batch
    }
    const log = [data(0, 4), marker(4, 0), data(5, 2, 9n), data(7, 2), marker(9, 1), marker(10, 1)]
    const records = (await Promise.all(log.map(decodeRecordBatch))).flat()
    const aborted = [{ producerId: '7', firstOffset: '0' }]

    for (let offset = 0; offset <= 12; offset++) {
      for (const abortedTransactions of [aborted, []]) {
        const partition = { partition: 0, highWatermark: '11', abortedTransactions, messages: records }
        const [ours, theirs] = [Batch, OriginalBatch].map((Kind) => new Kind('t', String(offset), partition))
        const facts = (batch: unknown) => {
          const it = batch as Record<string, () => unknown> & { messages: { offset: string }[] }
          return [
            it.messages.map((record) => record.offset),
            ...['isEmpty', 'isEmptyDueToFiltering', 'firstOffset', 'lastOffset', 'offsetLag'].map((what) =>
              it[what]!(),
            ),
          ]
        }
        expect(facts(ours)).toEqual(facts(theirs))
      }
    }
  })
})
