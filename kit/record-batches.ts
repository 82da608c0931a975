import { promisify } from 'node:util'
import { unzip, zstdDecompress } from 'node:zlib'
import { decompressLz4, decompressSnappy } from './decompress.ts'

/** A producer's batch is a megabyte at most before it is compressed; what becomes larger than this is an attack or an accident. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_RECORDS = 200_000

const bounded = { maxOutputLength: MAX_BYTES }

/** By the number Kafka has for a codec: how to decompress what it compressed. Rejects beyond 16 MiB. */
export const DECOMPRESS: Record<number, (data: Buffer) => Promise<Buffer>> = {
  1: (data) => promisify(unzip)(data, bounded) as Promise<Buffer>,
  2: async (data) => decompressSnappy(data, MAX_BYTES),
  3: async (data) => decompressLz4(data, MAX_BYTES),
  4: (data) => promisify(zstdDecompress)(data, bounded) as Promise<Buffer>,
}
const NAMES = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']

/** Where the fields of a record batch are, by the Kafka protocol (magic 2). */
const LENGTH = 8
const MAGIC = 16
const ATTRIBUTES = 21
const LAST_OFFSET_DELTA = 23
const MAX_TIMESTAMP = 35
const PRODUCER_ID = 43
const COUNT = 57
const HEADER = 61
const LENGTH_COUNTS_FROM = 12

/**
 * Stands in for a batch that cannot be read: one record at the last of its offsets, so that reading goes on behind it, with the
 * bytes of the batch as its value. It has the fields by which a consumer leaves out aborted transactions.
 */
export interface UnreadableRecord {
  unreadable: string
  offset: string
  timestamp: string
  key: null
  value: Buffer
  headers: Record<string, never>
  isControlRecord: false
  batchContext: { inTransaction: boolean; producerId: string }
}

/** Whether `set`, what a fetch brought of one partition, is in record batches; older formats are not. */
export const isInRecordBatches = (set: Buffer): boolean => set.length > MAGIC && set.readInt8(MAGIC) === 2

/**
 * The records of all whole batches in `set`; the last one may be cut off, which is how a fetch ends. `decode` gets one
 * batch at a time. A batch it cannot decode, whatever it throws, becomes one `UnreadableRecord`.
 */
export async function readRecordBatches<Record>(
  set: Buffer,
  decode: (batch: Buffer) => Promise<Record[]>,
): Promise<(Record | UnreadableRecord)[]> {
  const records: (Record | UnreadableRecord)[] = []
  for (let at = 0; at + HEADER <= set.length; ) {
    const length = LENGTH_COUNTS_FROM + set.readInt32BE(at + LENGTH)
    if (length < HEADER || at + length > set.length) break
    const batch = set.subarray(at, at + length)
    try {
      const count = batch.readInt32BE(COUNT)
      if (count > MAX_RECORDS) throw new RangeError(`${count} records, the limit is ${MAX_RECORDS}`)
      for (const record of await decode(batch)) records.push(record)
    } catch (err) {
      records.push(unreadable(batch, err))
    }
    at += length
  }
  return records
}

function unreadable(batch: Buffer, err: unknown): UnreadableRecord {
  const first = batch.readBigInt64BE(0)
  const last = first + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA))
  const attributes = batch.readInt16BE(ATTRIBUTES)
  const codec = NAMES[attributes & 0x07] ?? `codec ${attributes & 0x07}`
  const where = first === last ? `record ${last}` : `records ${first} to ${last}`
  const why = err instanceof Error ? err.message : String(err)
  return {
    unreadable: `${where} cannot be read (${codec}): ${why}`,
    offset: String(last),
    timestamp: String(batch.readBigInt64BE(MAX_TIMESTAMP)),
    key: null,
    value: batch,
    headers: {},
    isControlRecord: false,
    batchContext: {
      inTransaction: (attributes & 0x10) !== 0,
      producerId: String(batch.readBigInt64BE(PRODUCER_ID)),
    },
  }
}
