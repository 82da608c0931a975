const LANES = 4
/** The constants of MurmurHash3_x86_128, all odd, one pair a lane. */
const MULTIPLY = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93] as const
const ADD = [0x561ccd1b, 0x0bcaa747, 0x96cd1c35, 0x32ac3b17] as const

/**
 * A checksum of a set, 128 bits, kept up to date one element at a time: every element, given as 32-bit words, is mixed
 * by itself and added to a sum. A sum does not depend on the order; and unlike an exclusive or, two of the same do not
 * cancel out.
 *
 * It tells sets apart that differ by accident, and is no signature: someone who wants to can make two sets with the same
 * sum. A cryptographic hash of each element would take three times as long, most of it to build its text.
 */
export class SetDigest {
  readonly #sum = new Uint32Array(LANES)

  add(words: Uint32Array): void {
    for (let lane = 0; lane < LANES; lane++)
      this.#sum[lane] = ((this.#sum[lane] as number) + mixed(words, lane)) | 0
  }

  clear(): void {
    this.#sum.fill(0)
  }

  toString(): string {
    return this.#sum.join('/')
  }
}

/** The body and the finaliser of MurmurHash3 (Austin Appleby, public domain), with the constants of the lane. */
function mixed(words: Uint32Array, lane: number): number {
  const [multiply, add] = [MULTIPLY[lane] as number, ADD[lane] as number]
  let hash = add
  for (let at = 0; at < words.length; at++) {
    let word = Math.imul(words[at] as number, multiply)
    word = (word << 15) | (word >>> 17)
    hash ^= Math.imul(word, add)
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + add) | 0
  }
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
