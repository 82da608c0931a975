import { DECOMPRESS } from '@lab/kit/record-batches.ts'
import type { IHeaders, Message } from 'kafkajs'
import { crc32c } from './crc32c.ts'

// A record batch as the Kafka protocol has it, magic 2 (https://kafka.apache.org/documentation/#recordbatch). kafkajs has
// its own, which makes an object of every number and header on the way: the tests hold these two against it.

/** Where the fields of a batch are. What the checksum covers begins with the attributes. */
const LENGTH = 8
const LEADER_EPOCH = 12
const MAGIC = 16
const CHECKSUM = 17
const ATTRIBUTES = 21
const LAST_OFFSET_DELTA = 23
const FIRST_TIMESTAMP = 27
const MAX_TIMESTAMP = 35
const PRODUCER_ID = 43
const PRODUCER_EPOCH = 51
const FIRST_SEQUENCE = 53
const COUNT = 57
const HEADER = 61
const LENGTH_COUNTS_FROM = 12

const CODEC = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20

export interface BatchOrigin {
  /** -1 without transactions. */
  producerId: bigint
  producerEpoch: number
  firstSequence: number
  isTransactional: boolean
}

/** Every batch is written here first: how long it becomes is known at its end. Grows, is never given back. */
let scratch = Buffer.allocUnsafe(256 * 1024)

/** Encodes messages as one uncompressed batch. A message without a timestamp gets `now`, milliseconds since the epoch. */
export function encodeRecordBatch(messages: Message[], origin: BatchOrigin, now = Date.now()): Buffer {
  const times = messages.map(({ timestamp }) => (timestamp === undefined ? now : Number(timestamp)))
  const first = times.reduce((a, b) => Math.min(a, b), times[0] ?? now)
  let at = HEADER
  messages.forEach((message, i) => {
    at = writeRecord(message, at, i, (times[i] as number) - first)
  })

  const batch = Buffer.from(scratch.subarray(0, at))
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(at - LENGTH_COUNTS_FROM, LENGTH)
  batch.writeInt32BE(0, LEADER_EPOCH)
  batch.writeInt8(2, MAGIC)
  batch.writeInt16BE(origin.isTransactional ? TRANSACTIONAL : 0, ATTRIBUTES)
  batch.writeInt32BE(messages.length - 1, LAST_OFFSET_DELTA)
  batch.writeBigInt64BE(BigInt(first), FIRST_TIMESTAMP)
  batch.writeBigInt64BE(BigInt(times.reduce((a, b) => Math.max(a, b), first)), MAX_TIMESTAMP)
  batch.writeBigInt64BE(origin.producerId, PRODUCER_ID)
  batch.writeInt16BE(origin.producerEpoch, PRODUCER_EPOCH)
  batch.writeInt32BE(origin.firstSequence, FIRST_SEQUENCE)
  batch.writeInt32BE(messages.length, COUNT)
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES), CHECKSUM)
  return batch
}

/** Writes one record from `at`; answers where it ends. */
function writeRecord(
  { key, value, headers = {} }: Message,
  at: number,
  offsetDelta: number,
  timestampDelta: number,
): number {
  const fields = Object.entries(headers).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((one) => [name, one ?? null] as const),
  )
  let size = 1 + sizeOfVarint(timestampDelta) + sizeOfVarint(offsetDelta)
  size += sizeOfBytes(key ?? null) + sizeOfBytes(value) + sizeOfVarint(fields.length)
  for (const [name, one] of fields) size += sizeOfBytes(name) + sizeOfBytes(one)

  reserve(at, size + 5)
  at = writeVarint(size, at)
  scratch[at++] = 0 // attributes: none is in use
  at = writeVarint(timestampDelta, at)
  at = writeVarint(offsetDelta, at)
  at = writeBytes(key ?? null, at)
  at = writeBytes(value, at)
  at = writeVarint(fields.length, at)
  for (const [name, one] of fields) at = writeBytes(one, writeBytes(name, at))
  return at
}

function reserve(used: number, more: number): void {
  if (used + more <= scratch.length) return
  const wider = Buffer.allocUnsafe(Math.max(used + more, scratch.length * 2))
  scratch.copy(wider, 0, 0, used)
  scratch = wider
}

type Bytes = Buffer | string | null

const lengthOf = (bytes: Buffer | string) =>
  typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length

function sizeOfBytes(bytes: Bytes): number {
  if (bytes === null) return 1
  const length = lengthOf(bytes)
  return sizeOfVarint(length) + length
}

function writeBytes(bytes: Bytes, at: number): number {
  if (bytes === null) return writeVarint(-1, at)
  const length = lengthOf(bytes)
  at = writeVarint(length, at)
  if (typeof bytes !== 'string') scratch.set(bytes, at)
  else if (length === bytes.length && length <= SHORT)
    for (let i = 0; i < length; i++) scratch[at + i] = bytes.charCodeAt(i)
  else if (length === bytes.length) scratch.write(bytes, at, length, 'latin1')
  else scratch.write(bytes, at, length, 'utf8')
  return at + length
}
/** Up to here a loop costs less than a call out of JavaScript. */
const SHORT = 40

/** Zig-zag: small numbers of either sign are short. Exact up to 2^52, which no difference of times or lengths reaches. */
function sizeOfVarint(value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  let size = 1
  for (; rest >= 0x80; size++) rest = Math.floor(rest / 0x80)
  return size
}

function writeVarint(value: number, at: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  while (rest >= 0x80) {
    scratch[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  scratch[at++] = rest
  return at
}

/** What all records of a batch share, by the names kafkajs has for them. */
interface BatchContext {
  inTransaction: boolean
  producerId: string
}

/** A record as kafkajs hands it on; what is seldom asked for is read when it is. */
class LogRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** As a number; `offset` is the same as text, for kafkajs. */
  readonly at: number
  /** When it was made, or the log got it: milliseconds since the epoch. */
  readonly recordedAt: number
  readonly isControlRecord: boolean
  readonly batchContext: BatchContext
  readonly attributes = 0
  readonly #batch: Buffer
  readonly #headersAt: number

  constructor(batch: Buffer, reader: Reader, { first, time, isControl, context }: Shared) {
    reader.at++ // attributes: none is in use
    const timestampDelta = reader.varint()
    this.recordedAt = time.isAppended ? time.max : time.first + timestampDelta
    this.at = first + reader.varint()
    this.key = reader.bytes()
    this.value = reader.bytes()
    this.isControlRecord = isControl
    this.batchContext = context
    this.#batch = batch
    this.#headersAt = reader.at
  }

  get offset(): string {
    return String(this.at)
  }

  get timestamp(): string {
    return String(this.recordedAt)
  }

  get headers(): IHeaders {
    const reader = new Reader(this.#batch, this.#headersAt)
    const headers: IHeaders = {}
    for (let left = reader.varint(); left > 0; left--) {
      const name = String(reader.bytes() ?? '')
      const value = reader.bytes() as Buffer
      const before = headers[name]
      headers[name] =
        before === undefined ? value : Array.isArray(before) ? [...before, value] : [before as Buffer, value]
    }
    return headers
  }
}

export type { LogRecord }

interface Shared {
  first: number
  time: { first: number; max: number; isAppended: boolean }
  isControl: boolean
  context: BatchContext
}

/** Decodes one whole batch, compressed or not. Throws a `RangeError` when its lengths do not fit each other. */
export async function decodeRecordBatch(batch: Buffer): Promise<LogRecord[]> {
  const attributes = batch.readInt16BE(ATTRIBUTES)
  const codec = attributes & CODEC
  const packed = batch.subarray(HEADER)
  if (codec === 0) return decodeRecords(packed, batch, attributes)
  const decompress = DECOMPRESS[codec]
  if (!decompress) throw new RangeError(`codec ${codec} is unknown`)
  return decodeRecords(await decompress(packed), batch, attributes)
}

function decodeRecords(records: Buffer, batch: Buffer, attributes: number): LogRecord[] {
  const shared: Shared = {
    first: Number(batch.readBigInt64BE(0)),
    time: {
      first: Number(batch.readBigInt64BE(FIRST_TIMESTAMP)),
      max: Number(batch.readBigInt64BE(MAX_TIMESTAMP)),
      isAppended: (attributes & LOG_APPEND_TIME) !== 0,
    },
    isControl: (attributes & CONTROL) !== 0,
    context: {
      inTransaction: (attributes & TRANSACTIONAL) !== 0,
      producerId: String(batch.readBigInt64BE(PRODUCER_ID)),
    },
  }
  const reader = new Reader(records)
  const count = batch.readInt32BE(COUNT)
  const decoded: LogRecord[] = []
  for (let i = 0; i < count; i++) {
    const end = reader.varint() + reader.at
    decoded.push(new LogRecord(records, reader, shared))
    if (end > records.length || reader.at > end) throw new RangeError('a record is longer than it says')
    reader.at = end
  }
  return decoded
}

class Reader {
  at: number
  readonly #from: Buffer

  constructor(from: Buffer, at = 0) {
    this.#from = from
    this.at = at
  }

  varint(): number {
    let [value, scale] = [0, 1]
    for (;;) {
      const byte = this.#from[this.at++]
      if (byte === undefined || scale > 2 ** 63) throw new RangeError('a number is cut off')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
      scale *= 0x80
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  bytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const end = this.at + length
    if (end > this.#from.length) throw new RangeError('bytes are cut off')
    const bytes = this.#from.subarray(this.at, end)
    this.at = end
    return bytes
  }
}
