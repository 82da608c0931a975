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

/** The same bytes one by one, and as numbers of several. */
export interface Room {
  readonly bytes: Buffer
  readonly view: DataView
}

/** Bytes where they are, among others. */
export interface Span extends Room {
  readonly from: number
  readonly to: number
}

const viewOf = ({ buffer, byteOffset, length }: Buffer) => new DataView(buffer, byteOffset, length)

export const spanOf = (bytes: Buffer): Span => ({ bytes, view: viewOf(bytes), from: 0, to: bytes.length })

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

/**
 * Writes one record from `at`; answers where it ends. A length stands in front of what it counts and is of varying size: it gets
 * the two bytes most lengths take, and what follows is moved when it takes others.
 */
function writeRecord(
  { key, value, headers }: Message,
  from: number,
  offsetDelta: number,
  age: number,
): number {
  let at = from + USUAL_LENGTH
  reserve(at, FIXED)
  scratch[at++] = 0 // attributes: none is in use
  at = writeVarint(age, at)
  at = writeVarint(offsetDelta, at)
  at = writeBytes(key ?? null, at)
  at = writeBytes(value, at)
  const countAt = at++
  let count = 0
  for (const name in headers) {
    const values = headers[name]
    for (const one of Array.isArray(values) ? values : [values]) {
      at = writeBytes(one ?? null, writeBytes(name, at))
      count++
    }
  }
  if (count < 0x40) scratch[countAt] = 2 * count
  else at = insertVarint(count, { at: countAt, room: 1, end: at })
  return insertVarint(at - from - USUAL_LENGTH, { at: from, room: USUAL_LENGTH, end: at })
}

const USUAL_LENGTH = 2
/** More than the numbers of one record, or of one of its fields, take. */
const FIXED = 64

/** Writes a number into the room that was left for it in front of what was written since; answers where that ends now. */
function insertVarint(value: number, { at, room, end }: { at: number; room: number; end: number }): number {
  const size = sizeOfVarint(value)
  if (size !== room) {
    reserve(end, size)
    scratch.copyWithin(at + size, at + room, end)
  }
  writeVarint(value, at)
  return end + size - room
}

/** Makes sure that there is room for `more` bytes, and for the numbers around them. */
function reserve(used: number, more: number): void {
  if (used + more + FIXED <= scratch.length) return
  const wider = Buffer.allocUnsafe(Math.max(used + more + FIXED, scratch.length * 2))
  scratch.copy(wider, 0, 0, used)
  scratch = wider
}

function writeBytes(bytes: Buffer | string | Written | null, at: number): number {
  if (bytes === null) return writeVarint(-1, at)
  if (typeof bytes === 'string') return writeText(bytes, at)
  const { length } = bytes
  reserve(at, length)
  at = writeVarint(length, at)
  if (bytes instanceof Written) bytes.writeTo(scratch, at)
  else scratch.set(bytes, at)
  return at + length
}

/**
 * What is written when its record is, straight to where that is: records wait by the thousand for their transaction, and text that
 * waits with them is copied by the garbage collector.
 */
export abstract class Written {
  /** In bytes. */
  abstract readonly length: number
  /** Writes that many bytes from `at`. */
  abstract writeTo(bytes: Buffer, at: number): void
  abstract toString(): string
}

function writeText(text: string, at: number): number {
  reserve(at, text.length * MOST_UTF8)
  const room = sizeOfVarint(text.length)
  const length = scratch.write(text, at + room)
  return insertVarint(length, { at, room, end: at + room + length })
}
/** Bytes that one unit of a JavaScript string takes at most. */
export const MOST_UTF8 = 3

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

/** A record as kafkajs hands it on. It knows where its bytes are: they become buffers when they are asked for, and not before. */
class LogRecord {
  readonly #shared: Shared
  readonly #offsetDelta: number
  readonly #age: number
  readonly #keyEnd: number
  /** -1 when there is none. */
  readonly #keyLength: number
  readonly #valueEnd: number
  readonly #valueLength: number

  constructor(reader: Reader, shared: Shared) {
    this.#shared = shared
    reader.at++ // attributes: none is in use
    this.#age = reader.varint()
    this.#offsetDelta = reader.varint()
    this.#keyLength = reader.skipBytes()
    this.#keyEnd = reader.at
    this.#valueLength = reader.skipBytes()
    this.#valueEnd = reader.at
  }

  get offset(): string {
    return String(this.#shared.first + this.#offsetDelta)
  }

  get timestamp(): string {
    return String(this.time)
  }

  /** When it was made, or the log got it: milliseconds since the epoch. */
  get time(): number {
    const { first, max, isAppended } = this.#shared.time
    return isAppended ? max : first + this.#age
  }

  get key(): Buffer | null {
    return this.#bytes(this.#keyLength, this.#keyEnd)
  }

  get value(): Buffer | null {
    return this.#bytes(this.#valueLength, this.#valueEnd)
  }

  get keySpan(): Span | null {
    return this.#span(this.#keyLength, this.#keyEnd)
  }

  get valueSpan(): Span | null {
    return this.#span(this.#valueLength, this.#valueEnd)
  }

  #bytes(length: number, end: number): Buffer | null {
    return length < 0 ? null : this.#shared.records.subarray(end - length, end)
  }

  #span(length: number, end: number): Span | null {
    const { records: bytes, view } = this.#shared
    return length < 0 ? null : { bytes, view, from: end - length, to: end }
  }

  get headers(): IHeaders {
    const reader = new Reader(this.#shared.records, this.#valueEnd)
    // Names are a stranger's: of an object with a prototype `toString` would be there before it is read.
    const headers: IHeaders = Object.create(null)
    for (let left = reader.varint(); left > 0; left--) {
      const name = String(reader.bytes() ?? '')
      const value = reader.bytes() as Buffer
      const before = headers[name]
      headers[name] =
        before === undefined ? value : Array.isArray(before) ? [...before, value] : [before as Buffer, value]
    }
    return headers
  }

  get isControlRecord(): boolean {
    return this.#shared.isControl
  }

  get batchContext(): BatchContext {
    return this.#shared.context
  }

  get attributes(): number {
    return 0
  }
}

export type { LogRecord }

interface Shared {
  records: Buffer
  view: DataView
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
    records,
    view: viewOf(records),
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
    decoded.push(new LogRecord(reader, shared))
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
    const first = this.#from[this.at] as number
    if (first < 0x80) {
      this.at++
      return first & 1 ? -(first + 1) / 2 : first >> 1
    }
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
    const length = this.skipBytes()
    return length < 0 ? null : this.#from.subarray(this.at - length, this.at)
  }

  /** Answers their length, -1 when there are none. */
  skipBytes(): number {
    const length = this.varint()
    if (length <= 0) return length
    this.at += length
    if (this.at > this.#from.length) throw new RangeError('bytes are cut off')
    return length
  }
}
