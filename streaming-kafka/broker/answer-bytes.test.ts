import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { bytesForAnswer, giveBack } from './answer-bytes.ts'
import './kafkajs.ts'
import type { OriginalBatch } from './kafkajs.ts'
import { type BatchOrigin, encodeRecordBatch, type LogRecord } from './record-batch.ts'

const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder')
const decodeMessages: (decoder: object) => Promise<LogRecord[]> =
  require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages')
const Batch: typeof OriginalBatch = require('kafkajs/src/consumer/batch')

const ORIGIN: BatchOrigin = { producerId: 1n, producerEpoch: 0, firstSequence: 0, isTransactional: false }
const CONTROL = 0x20
const ATTRIBUTES = 21
const LONG = 'x'.repeat(40_000)

function partition(value: string, attributes = 0): Buffer {
  const batch = encodeRecordBatch([{ key: 'key', value }], ORIGIN)
  batch.writeInt16BE(attributes, ATTRIBUTES)
  const size = Buffer.alloc(4)
  size.writeInt32BE(batch.length)
  return Buffer.concat([size, batch])
}

/** What kafkajs makes of an answer with these partitions, in memory as a socket gets it. */
async function fetched(...partitions: Buffer[]) {
  const all = Buffer.concat(partitions)
  const bytes = bytesForAnswer(all.length)
  bytes.set(all)
  const decoder = new Decoder(bytes)
  const decoded: LogRecord[][] = []
  for (const _ of partitions) decoded.push(await decodeMessages(decoder))
  const batches = decoded.map((messages) => new Batch('t', '0', { messages, abortedTransactions: [] }))
  return { bytes, batches: batches.map(({ messages }) => messages) }
}

const lengths = (batch: LogRecord[] = []) => batch.map(({ value }) => value?.length)

describe('the memory of an answer', () => {
  test('is given back when the last of its batches is done, and not before', async () => {
    const { bytes, batches } = await fetched(partition(LONG), partition(LONG))
    const [one, other] = batches as [LogRecord[], LogRecord[]]

    giveBack(one)
    giveBack(one)
    expect(lengths(other)).toEqual([LONG.length])

    giveBack(other)
    expect(bytes.buffer.byteLength).toBe(0)
    expect(() => one[0]?.valueSpan?.view.getInt8(0)).toThrow(TypeError)
  })

  test('does not wait for a partition that brought markers alone', async () => {
    const { bytes, batches } = await fetched(partition(LONG, CONTROL), partition(LONG))
    expect(batches.map(lengths)).toEqual([[], [LONG.length]])

    giveBack(batches[1] ?? [])
    expect(bytes.buffer.byteLength).toBe(0)
  })

  test('is kept where it is shared with others', async () => {
    const { batches } = await fetched(partition('short'))

    giveBack(batches[0] ?? [])
    expect(lengths(batches[0])).toEqual(['short'.length])
  })
})
