import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { originalDecode } from './kafkajs.ts'

const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder')
const Encoder = require('kafkajs/src/protocol/encoder')
const PATH = 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages'

interface Batch {
  from: number
  values: string[]
  codec?: number
  compress?: (records: Buffer) => Buffer
}

const varint = (value: number) => new Encoder().writeVarInt(value).buffer as Buffer
const bytes = (text: string) => Buffer.concat([varint(text.length), Buffer.from(text)])

/** A record batch as a broker sends it; its checksum is not looked at. */
function batchOf({ from, values, codec = 0, compress = (records) => records }: Batch): Buffer {
  const records = values.map((value, at) => {
    const body = Buffer.concat([
      Buffer.from([0]),
      varint(0),
      varint(at),
      bytes('key'),
      bytes(value),
      varint(0),
    ])
    return Buffer.concat([varint(body.length), body])
  })
  const body = compress(Buffer.concat(records))
  const head = Buffer.alloc(61)
  head.writeBigInt64BE(BigInt(from), 0)
  head.writeInt32BE(head.length - 12 + body.length, 8)
  head.writeInt8(2, 16)
  head.writeInt16BE(codec, 21)
  head.writeInt32BE(values.length - 1, 23)
  head.writeBigInt64BE(-1n, 43)
  head.writeInt32BE(values.length, 57)
  return Buffer.concat([head, body])
}

function fetched(...batches: Buffer[]) {
  const set = Buffer.concat(batches)
  const size = Buffer.alloc(4)
  size.writeInt32BE(set.length)
  return new Decoder(Buffer.concat([size, set]))
}

async function decode(...batches: Buffer[]) {
  const records: { offset: string; value: Buffer; unreadable?: string }[] = await require(PATH)(
    fetched(...batches),
  )
  return records.map(({ offset, value, unreadable }) => [offset, unreadable ?? String(value)])
}

/** Of lz4 and snappy the shortest stream there is: nothing is compressed in it. */
const lz4 = (data: Buffer) => {
  const size = Buffer.alloc(4)
  size.writeUInt32LE((data.length | 0x80000000) >>> 0)
  return Buffer.concat([Buffer.from('04224d18604082', 'hex'), size, data, Buffer.alloc(4)])
}
const snappy = (data: Buffer) => Buffer.concat([Buffer.from([data.length, (data.length - 1) << 2]), data])

const before = batchOf({ from: 3, values: ['one', 'two'] })
const after = batchOf({ from: 8, values: ['three'] })
const damaged = batchOf({
  from: 5,
  values: ['x', 'y', 'z'],
  codec: 4,
  compress: () => Buffer.from('no zstd'),
})

describe('the records of a fetch', () => {
  test.each([
    ['gzip', 1, gzipSync],
    ['snappy', 2, snappy],
    ['lz4', 3, lz4],
    ['zstd', 4, zstdCompressSync],
  ] as const)('are read when they are compressed with %s', async (_, codec, compress) => {
    expect(await decode(batchOf({ from: 7, values: ['one', 'two'], codec, compress }))).toEqual([
      ['7', 'one'],
      ['8', 'two'],
    ])
  })

  test('are all lost with one batch that cannot be read, as the library has it', async () => {
    await expect(originalDecode(fetched(before, damaged, after))).rejects.toThrow()
  })

  test('go on behind a batch that cannot be read, which is one record with the reason', async () => {
    expect(await decode(before, damaged, after)).toEqual([
      ['3', 'one'],
      ['4', 'two'],
      ['7', expect.stringMatching(/^records 5 to 7 cannot be read \(zstd\): /)],
      ['8', 'three'],
    ])
  })

  test.each([1, 4])('never become more than 16 MiB of one batch (codec %i)', async (codec) => {
    const compress = codec === 1 ? gzipSync : zstdCompressSync
    const bomb = batchOf({ from: 0, values: ['x'.repeat(17 * 1024 * 1024)], codec, compress })

    expect(bomb.length).toBeLessThan(50_000)
    expect(await decode(bomb, after)).toEqual([
      ['0', expect.stringMatching(/^record 0 cannot be read/)],
      ['8', 'three'],
    ])
  })

  test('end before a batch that the fetch cut off', async () => {
    expect(await decode(before, after.subarray(0, -1))).toEqual([
      ['3', 'one'],
      ['4', 'two'],
    ])
  })
})
