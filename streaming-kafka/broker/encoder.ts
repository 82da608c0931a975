import { createRequire } from 'node:module'

interface Encoder {
  buf: Buffer
  offset: number
  ensureAvailable: (length: number) => void
}

const library = createRequire(import.meta.url)('kafkajs/src/protocol/encoder') as {
  prototype: Encoder
  nextPowerOfTwo: (value: number) => number
}

/** What kafkajs 2.2.4 does by itself; kept so that a test can show it. */
export const unguarded = {
  nextPowerOfTwo: library.nextPowerOfTwo,
  ensureAvailable: library.prototype.ensureAvailable,
}

/** What the library asks for when an encoder is made without a size. */
const DEFAULT_BYTES = 511
/** V8 keeps a typed array of this size in its own heap: as cheap as any small object. */
const IN_HEAP_BYTES = 64

/**
 * Makes the encoders of kafkajs cheap to make and to grow.
 *
 * The library makes one for each record, one for each of its headers and five around each batch. Every one begins with
 * 512 bytes of zeroed memory outside the heap, which costs an allocation and its release, and grows to a power of two. Here it
 * begins small, and grows at least twofold to memory that is not zeroed first: what is read of it was written before.
 */
export function guardEncoder(): void {
  library.nextPowerOfTwo = (value) =>
    value === DEFAULT_BYTES ? IN_HEAP_BYTES : unguarded.nextPowerOfTwo(value)

  library.prototype.ensureAvailable = function guarded(this: Encoder, length: number) {
    const needed = this.offset + length
    if (needed <= this.buf.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buf.length * 2))
    this.buf.copy(grown, 0, 0, this.offset)
    this.buf = grown
  }
}
