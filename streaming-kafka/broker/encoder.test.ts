import { createRequire } from 'node:module'
import { afterEach, describe, expect, test } from 'vitest'
import { guardEncoder, unguarded } from './encoder.ts'

const require = createRequire(import.meta.url)
const Encoder = require('kafkajs/src/protocol/encoder')
const produce = require('kafkajs/src/protocol/requests/produce/v7/request')

/** Three partitions, texts of one to a thousand characters, also some that take more bytes than characters. */
const topicData = () => [
  {
    topic: 'order-events',
    partitions: [0, 1, 2].map((partition) => ({
      partition,
      firstSequence: 0,
      messages: Array.from({ length: 40 }, (_, i) => ({
        key: `order-${i}`,
        value: (i % 2 ? 'a' : 'é').repeat(1 + i * 25),
        headers: { ce_id: `${i}`, note: i % 3 ? 'x'.repeat(i * 4) : Buffer.from('bytes') },
        timestamp: 1_700_000_000_000,
      })),
    })),
  },
]
const encode = async () =>
  (await produce({ acks: -1, timeout: 1_000, topicData: topicData() }).encode()).buffer

const restore = () => {
  Encoder.nextPowerOfTwo = unguarded.nextPowerOfTwo
  Encoder.prototype.ensureAvailable = unguarded.ensureAvailable
}

describe('encoder of kafkajs', () => {
  afterEach(guardEncoder)

  test('takes 512 bytes outside the heap for a byte, as the library has it', () => {
    restore()

    expect(new Encoder().writeInt8(1).buf.buffer.byteLength).toBe(512)
  })

  test('takes 64 bytes when guarded', () => {
    guardEncoder()

    expect(new Encoder().writeInt8(1).buf.buffer.byteLength).toBe(64)
  })

  test('writes the same request guarded and not, byte by byte', async () => {
    restore()
    const plain = await encode()
    guardEncoder()

    const guarded = await encode()

    expect(guarded.equals(plain)).toBe(true)
  })

  test('keeps what was written when it grows, and a size that was asked for', () => {
    guardEncoder()
    const text = 'order'.repeat(100)

    const encoder = new Encoder().writeInt32(7).writeString(text).writeString(text)

    expect(encoder.size()).toBe(4 + 2 * (2 + text.length))
    expect(encoder.buffer.toString('utf8', 6, 6 + text.length)).toBe(text)
    expect(new Encoder(1_023).buf.length).toBe(1_024)
  })
})
