import { anOrderPlaced } from '@lab/common/testing/builders.ts'
import { describe, expect, test } from 'vitest'
import { requestsOf } from './owner-writer.ts'
import { encodeRecordBatch } from './record-batch.ts'
import { type Message, toMessage } from './records.ts'

const MAX_BATCH_BYTES = 1024 * 1024
const record = (topic: string, message: Message) => ({ topic, message })
const letter = (bytes: number): Message => ({ value: 'x'.repeat(bytes) })
const event = () => toMessage(anOrderPlaced())
const onePartition = { partitionOf: () => 0 }

const origin = { producerId: 1n, producerEpoch: 0, firstSequence: 0, isTransactional: true }
const bytesIn = (requests: ReturnType<typeof requestsOf>) =>
  requests.flatMap((topics) => topics.map(({ messages }) => encodeRecordBatch(messages, origin).length))

describe('requests of a transaction', () => {
  test.each([
    ['events', event],
    ['letters', () => letter(400)],
    ['letters of long keys', () => ({ key: 'k'.repeat(16_000), value: null })],
    [
      'letters of many headers',
      () => ({
        value: null,
        headers: Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`${i}`, ''])),
      }),
    ],
    ['letters of long headers', () => ({ value: null, headers: { long: ['h'.repeat(8_000), 'h'] } })],
  ])('stay below what the broker takes in one batch, with %s', (_what, message) => {
    const requests = requestsOf(
      Array.from({ length: 3_500 }, () => record('t', message())),
      onePartition,
    )

    expect(requests.flat().flatMap(({ messages }) => messages)).toHaveLength(3_500)
    expect(Math.max(...bytesIn(requests))).toBeLessThan(MAX_BATCH_BYTES)
  })

  test('are fewer where events go to several partitions, and letters not', () => {
    let at = 0
    const inTurns = { partitionOf: () => at++ % 3 }
    const many = (message: () => Message) => Array.from({ length: 3_000 }, () => record('t', message()))

    expect(requestsOf(many(event), onePartition).length).toBeGreaterThan(2)
    expect(requestsOf(many(event), inTurns)).toHaveLength(1)
    expect(
      requestsOf(
        many(() => letter(400)),
        inTurns,
      ).length,
    ).toBeGreaterThan(2)
  })

  test('keep the order within a topic, and give a large record a request of its own', () => {
    const records = [record('a', letter(1)), record('b', letter(1)), record('a', letter(900_000))]
    const requests = requestsOf([...records, record('a', letter(2))], onePartition)

    expect(requests.map((topics) => topics.map(({ topic, messages }) => [topic, messages.length]))).toEqual([
      [
        ['a', 1],
        ['b', 1],
      ],
      [['a', 1]],
      [['a', 1]],
    ])
  })

  test('are none without records', () => {
    expect(requestsOf([], onePartition)).toEqual([])
  })
})
