import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import '@lab/stack/kafkajs-guard.ts'

/** How a producer may compress, with the number Kafka has for it. */
export const COMPRESSIONS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export type Compression = keyof typeof COMPRESSIONS

type Compress = (data: Buffer) => Promise<Buffer>
interface Encoded {
  buffer: Buffer
}
interface Codec {
  compress: (encoded: Encoded) => Promise<Buffer>
  decompress: Compress
}

// An ES module cannot import it by name.
const { CompressionCodecs } = createRequire(import.meta.url)('kafkajs') as {
  CompressionCodecs: Record<number, () => Codec>
}

/** Magic, version 1 with independent blocks, blocks of 64 KiB at most, checksum of these two. */
const LZ4_HEADER = Buffer.from('04224d18604082', 'hex')
const LZ4_BLOCK = 64 * 1024
const STORED = 0x80000000

/** Valid streams in which nothing is shorter: what matters here is whether others can read them. */
const lz4: Compress = async (data) => {
  const pieces: Buffer[] = [LZ4_HEADER]
  for (let at = 0; at < data.length; at += LZ4_BLOCK) {
    const block = data.subarray(at, at + LZ4_BLOCK)
    pieces.push(uint32((block.length | STORED) >>> 0), block)
  }
  return Buffer.concat([...pieces, uint32(0)])
}

const snappy: Compress = async (data) => {
  const literal = Buffer.concat([Buffer.from([63 << 2]), uint32(data.length - 1), data])
  return Buffer.concat([varint(data.length), literal])
}

const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

const compressors: Record<Compression, Compress> = {
  gzip: (data) => promisify(gzip)(data) as Promise<Buffer>,
  snappy,
  lz4,
  zstd: (data) => promisify(zstdCompress)(data) as Promise<Buffer>,
}

for (const [name, number] of Object.entries(COMPRESSIONS)) {
  const { decompress } = CompressionCodecs[number]!()
  const compress = ({ buffer }: Encoded) => compressors[name as Compression](buffer)
  CompressionCodecs[number] = () => ({ compress, decompress })
}
