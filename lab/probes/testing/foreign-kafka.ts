import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import { within } from '@lab/kit/wait.ts'
import type { KafkaBroker } from '@lab/stack/servers/kafka/broker.ts'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import '@lab/stack/kafkajs-guard.ts'

const CALL_MS = 20_000

const connect = ({ brokers }: KafkaBroker) =>
  new Kafka({ clientId: 'foreign', brokers, connectionTimeout: 3_000, logLevel: logLevel.NOTHING })

const PRODUCER = { createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false }

/** Somebody else's program that reads a topic as a member of a group of the part, and commits what it reads. */
export async function joinAsForeignMember(
  broker: KafkaBroker,
  { group, topic }: { group: string; topic: string },
): Promise<{ leave: () => Promise<void> }> {
  const consumer = connect(broker).consumer({
    groupId: `${broker.prefix}${group}`,
    maxWaitTimeInMs: 250,
    allowAutoTopicCreation: false,
  })
  const joined = Promise.withResolvers<void>()
  consumer.on('consumer.group_join', () => joined.resolve())
  await consumer.connect()
  await consumer.subscribe({ topic: `${broker.prefix}${topic}`, fromBeginning: true })
  await consumer.run({ eachMessage: async () => {} })
  await within(joined.promise, CALL_MS, `a foreign client to join ${group}`)
  let leaving: Promise<void> | undefined
  const leave = () => {
    leaving ??= within(consumer.disconnect(), CALL_MS, `a foreign client to leave ${group}`)
    return leaving
  }
  return { leave }
}

/** A transaction of somebody else with one record in each partition: until it ends, nothing behind it can be read. */
export async function openForeignTransaction(
  broker: KafkaBroker,
  { topic, partitions }: { topic: string; partitions: number },
): Promise<{ abort: () => Promise<void> }> {
  const producer = connect(broker).producer({
    transactionalId: `${broker.prefix}foreign-${randomUUID()}`,
    maxInFlightRequests: 1,
    ...PRODUCER,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  const messages = Array.from({ length: partitions }, (_, partition) => ({ partition, value: 'never there' }))
  await transaction.send({ topic: `${broker.prefix}${topic}`, messages })
  return {
    abort: async () => {
      await within(transaction.abort(), CALL_MS, 'a transaction to be aborted')
      await within(producer.disconnect(), CALL_MS, 'a foreign client to leave')
    },
  }
}

interface Compressed {
  topic: string
  record: { key: string; value: string; partition?: number }
  compression: Compression
}

/** Resolves when the log has the record. */
export async function produceCompressed(
  broker: KafkaBroker,
  { topic, record, compression }: Compressed,
): Promise<void> {
  const producer = connect(broker).producer(PRODUCER)
  await producer.connect()
  const batch = { topic: `${broker.prefix}${topic}`, messages: [record] }
  const sending = producer.send({ ...batch, acks: -1, compression: COMPRESSIONS[compression] })
  await within(sending, CALL_MS, `a record to reach ${topic}`).finally(() => producer.disconnect())
}

/** How a producer may compress, with the number Kafka has for it. */
const COMPRESSIONS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
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
