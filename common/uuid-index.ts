/** How many 32-bit words a UUID is. */
export const UUID_WORDS = 4
/** A UUID as text, in either case, or as the words that `readUuid` made of it. */
export type Uuid = string | Uint32Array

const EMPTY = 0

/**
 * UUIDs in the order they were added, each with the number of its row, outside the JavaScript heap: about 24 bytes an id,
 * where a `Map` of strings takes 100. A million ids cost the garbage collector nothing.
 */
export class UuidIndex {
  #ids: Uint32Array<ArrayBuffer>
  /** Open addressing: row + 1 of the id that hashes here, 0 when free. At most half full. */
  #slots: Int32Array<ArrayBuffer>
  #size = 0
  readonly #key = new Uint32Array(UUID_WORDS)

  constructor(capacity = 1_024) {
    this.#ids = new Uint32Array(capacity * UUID_WORDS)
    this.#slots = new Int32Array(capacity * 2)
  }

  get size(): number {
    return this.#size
  }

  /** The row of an id, or -1 when it was never added (or is no UUID). */
  find(uuid: Uuid): number {
    return this.#read(uuid) ? this.#rowAt(this.#slotOf()) : -1
  }

  has(uuid: Uuid): boolean {
    return this.find(uuid) !== -1
  }

  /** Adds an id and answers true, or false when it was there already. Throws on anything that is no UUID. */
  add(uuid: Uuid): boolean {
    const before = this.#size
    this.place(uuid)
    return this.#size > before
  }

  /** The row of an id, a new one when it was never added. Throws on anything that is no UUID. */
  place(uuid: Uuid): number {
    if (!this.#read(uuid)) throw new RangeError(`'${uuid}' is not a UUID`)
    let slot = this.#slotOf()
    const known = this.#rowAt(slot)
    if (known !== -1) return known
    if ((this.#size + 1) * 2 > this.#slots.length) {
      this.#grow()
      slot = this.#slotOf()
    }
    const row = this.#size++
    this.#ids.set(this.#key, row * UUID_WORDS)
    this.#slots[slot] = row + 1
    return row
  }

  /** Forgets all ids, and keeps their room. */
  clear(): void {
    this.#size = 0
    this.#slots.fill(EMPTY)
  }

  at(row: number): string {
    return writeUuid(this.#ids.subarray(row * UUID_WORDS, (row + 1) * UUID_WORDS))
  }

  #read(uuid: Uuid): boolean {
    if (typeof uuid === 'string') return readUuid(uuid, this.#key)
    for (let word = 0; word < UUID_WORDS; word++) this.#key[word] = uuid[word] as number
    return true
  }

  #rowAt(slot: number): number {
    return (this.#slots[slot] as number) - 1
  }

  /** The slot that holds `#key`, or the free one where it belongs. */
  #slotOf(): number {
    const [ids, slots, key] = [this.#ids, this.#slots, this.#key]
    const mask = slots.length - 1
    for (let slot = hashUuid(key) & mask; ; slot = (slot + 1) & mask) {
      const taken = slots[slot] as number
      if (taken === EMPTY) return slot
      const at = (taken - 1) * UUID_WORDS
      const isSame =
        ids[at + 3] === key[3] && ids[at + 2] === key[2] && ids[at + 1] === key[1] && ids[at] === key[0]
      if (isSame) return slot
    }
  }

  #grow(): void {
    const ids = new Uint32Array(widened(this.#ids))
    const slots = new Int32Array(widened(this.#slots)).fill(EMPTY)
    const mask = slots.length - 1
    for (let row = 0; row < this.#size; row++) {
      let slot = hashUuid(ids, row * UUID_WORDS) & mask
      while (slots[slot] !== EMPTY) slot = (slot + 1) & mask
      slots[slot] = row + 1
    }
    this.#ids = ids
    this.#slots = slots
  }
}

/**
 * The same bytes in twice the room. The old room is free at once: left to the garbage collector, which sees a few bytes of an object
 * there, it would stay for minutes.
 */
export const widened = ({ buffer }: { buffer: ArrayBuffer }): ArrayBuffer =>
  buffer.transfer(buffer.byteLength * 2)

/** Characters of a UUID's text. */
export const UUID_LENGTH = 36
const DASH = 0x2d

/** Value of each ASCII hexadecimal digit; every other byte has a bit above those of four digits. */
const NO_DIGIT = 0x10000
const DIGIT = new Int32Array(256).fill(NO_DIGIT)
for (let value = 0; value < 16; value++) {
  DIGIT[value.toString(16).charCodeAt(0)] = value
  DIGIT[value.toString(16).toUpperCase().charCodeAt(0)] = value
}

const digitAt = (bytes: Uint8Array, at: number) => DIGIT[bytes[at] as number] as number

/** The value of four digits; at least `NO_DIGIT` when one of them is none. */
const fourAt = (bytes: Uint8Array, at: number): number =>
  (digitAt(bytes, at) << 12) |
  (digitAt(bytes, at + 1) << 8) |
  (digitAt(bytes, at + 2) << 4) |
  digitAt(bytes, at + 3)

/** Where each four digits begin. */
const HALVES = [0, 4, 9, 14, 19, 24, 28, 32]
const DASHES = [8, 13, 18, 23]

/** The bytes of the text that is read. */
const text = new Uint8Array(UUID_LENGTH)

/**
 * Writes `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, in either case, into the words; answers false when it is no UUID,
 * and the words then mean nothing. Makes no garbage: it runs several times for every record.
 */
export function readUuid(uuid: string, words: Uint32Array): boolean {
  if (uuid.length !== UUID_LENGTH) return false
  let seen = 0
  for (let at = 0; at < UUID_LENGTH; at++) {
    const code = uuid.charCodeAt(at)
    text[at] = code
    seen |= code
  }
  return seen < 0x80 && readUuidAt(text, 0, words)
}

/** The same of the 36 bytes from `at`. Throws nothing: where there are fewer, there is no UUID. */
export function readUuidAt(bytes: Uint8Array, at: number, words: Uint32Array): boolean {
  for (let i = 0; i < DASHES.length; i++) if (bytes[at + (DASHES[i] as number)] !== DASH) return false
  let seen = at + UUID_LENGTH > bytes.length ? NO_DIGIT : 0
  for (let word = 0; word < UUID_WORDS; word++) {
    const high = fourAt(bytes, at + (HALVES[2 * word] as number))
    const low = fourAt(bytes, at + (HALVES[2 * word + 1] as number))
    seen |= high | low
    words[word] = (high << 16) | low
  }
  return seen >>> 16 === 0
}

/** A hash of the words of one UUID. All bits count: the first words of UUID v7 are a clock, and the ids of one run begin alike. */
function hashUuid(words: Uint32Array, start = 0): number {
  let hash = 0
  for (let at = start; at < start + UUID_WORDS; at++) {
    hash = Math.imul(hash ^ (words[at] as number), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

/** The UUID that was read into these words, in lower case. */
function writeUuid(words: ArrayLike<number>): string {
  const hex = Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
