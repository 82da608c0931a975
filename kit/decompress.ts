/**
 * LZ4 and Snappy as other producers send them to Kafka, without a native library: only the reading half, which is small.
 * Both throw a `RangeError` on what is no such stream, and as soon as there would be more than `limit` bytes.
 */

const LZ4_MAGIC = 0x184d2204
const LZ4_SKIPPABLE = 0x184d2a50
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
/** Magic, version, oldest compatible version. */
const XERIAL_HEADER = 16
const FIRST_BYTES = 64 * 1024

/** LZ4 frames, one after the other (lz4_Frame_format.md). Checksums are not looked at: the broker has. */
export function decompressLz4(input: Buffer, limit: number): Buffer {
  const output = new Output(limit)
  for (let at = 0; at < input.length; ) {
    const magic = input.readUInt32LE(at)
    at += 4
    if ((magic & 0xfffffff0) >>> 0 === LZ4_SKIPPABLE) at += 4 + input.readUInt32LE(at)
    else if (magic === LZ4_MAGIC) at = readLz4Frame(input, at, output)
    else throw new RangeError('no LZ4 frame')
  }
  return output.all()
}

function readLz4Frame(input: Buffer, start: number, output: Output): number {
  const flags = input.readUInt8(start)
  if (flags >> 6 !== 1) throw new RangeError('an LZ4 frame of another version')
  if (flags & 0x01) throw new RangeError('an LZ4 frame with a dictionary')
  const blockChecksum = flags & 0x10 ? 4 : 0
  const contentChecksum = flags & 0x04 ? 4 : 0
  // Flags, block size, checksum of the header; the content size is optional.
  let at = start + 3 + (flags & 0x08 ? 8 : 0)
  for (;;) {
    const size = input.readUInt32LE(at)
    at += 4
    if (size === 0) return at + contentChecksum
    const block = take(input, at, size & 0x7fffffff)
    if (size >>> 31) output.append(block)
    else readLz4Block(block, output)
    at += block.length + blockChecksum
  }
}

function readLz4Block(block: Buffer, output: Output): void {
  let at = 0
  /** A length of 15 goes on in the next bytes, until one of them is not 255. */
  const lengthOf = (nibble: number) => {
    let length = nibble
    for (let more = nibble === 15 ? 255 : 0; more === 255; length += more) more = block.readUInt8(at++)
    return length
  }
  for (;;) {
    const token = block.readUInt8(at++)
    const literals = lengthOf(token >> 4)
    output.append(take(block, at, literals))
    at += literals
    if (at === block.length) return
    const distance = block.readUInt16LE(at)
    at += 2
    output.copy(distance, 4 + lengthOf(token & 0x0f))
  }
}

/** A Snappy stream, bare or in the blocks in which Java's library wraps it. */
export function decompressSnappy(input: Buffer, limit: number): Buffer {
  const output = new Output(limit)
  if (!input.subarray(0, XERIAL.length).equals(XERIAL)) {
    readSnappy(input, output)
    return output.all()
  }
  for (let at = XERIAL_HEADER; at < input.length; ) {
    const block = take(input, at + 4, input.readUInt32BE(at))
    readSnappy(block, output)
    at += 4 + block.length
  }
  return output.all()
}

function readSnappy(block: Buffer, output: Output): void {
  let at = 0
  let expected = 0
  for (let shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
    if (shift > 28) throw new RangeError('a Snappy block without a length')
    byte = block.readUInt8(at++)
    expected += (byte & 0x7f) * 2 ** shift
  }
  const end = output.length + expected
  while (at < block.length) {
    const tag = block.readUInt8(at++)
    const upper = tag >> 2
    switch (tag & 0x03) {
      case 0: {
        const extra = Math.max(0, upper - 59)
        const length = 1 + (extra === 0 ? upper : block.readUIntLE(at, extra))
        at += extra
        output.append(take(block, at, length))
        at += length
        break
      }
      case 1:
        output.copy(((tag >> 5) << 8) | block.readUInt8(at++), 4 + (upper & 0x07))
        break
      case 2:
        output.copy(block.readUInt16LE(at), 1 + upper)
        at += 2
        break
      default:
        output.copy(block.readUInt32LE(at), 1 + upper)
        at += 4
    }
  }
  if (output.length !== end) throw new RangeError('a Snappy block of another length than it says')
}

function take(buffer: Buffer, from: number, length: number): Buffer {
  if (from + length > buffer.length) throw new RangeError('the compressed data ends early')
  return buffer.subarray(from, from + length)
}

/** What is decompressed so far; both formats repeat pieces of it. */
class Output {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #length = 0
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get length(): number {
    return this.#length
  }

  all(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  append(piece: Buffer): void {
    this.#reserve(piece.length)
    piece.copy(this.#bytes, this.#length)
    this.#length += piece.length
  }

  /** Repeats `length` bytes from `distance` back; they may overlap with what is written. */
  copy(distance: number, length: number): void {
    if (distance === 0 || distance > this.#length)
      throw new RangeError('the compressed data refers to what is not there')
    this.#reserve(length)
    if (distance >= length) {
      this.#bytes.copyWithin(this.#length, this.#length - distance, this.#length - distance + length)
    } else {
      const bytes = this.#bytes
      for (let at = this.#length; at < this.#length + length; at++) bytes[at] = bytes[at - distance] as number
    }
    this.#length += length
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed > this.#limit) throw new RangeError(`more than ${this.#limit} bytes when decompressed`)
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(needed, this.#bytes.length * 2)))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
