import { hashUuid, readUuid, UUID_WORDS as WORDS, writeUuid } from '@lab/common/kit/uuid-words.ts'

const EMPTY = 0

/**
 * UUIDs in the order they were added, each with the number of its row, outside the JavaScript heap: about 24 bytes an id,
 * where a `Map` of strings takes 100. A million ids cost the garbage collector nothing.
 */
export class UuidIndex {
  #ids: Uint32Array
  /** Open addressing: row + 1 of the id that hashes here, 0 when free. At most half full. */
  #slots: Int32Array
  #size = 0
  readonly #key = new Uint32Array(WORDS)

  constructor(capacity = 1_024) {
    this.#ids = new Uint32Array(capacity * WORDS)
    this.#slots = new Int32Array(capacity * 2)
  }

  get size(): number {
    return this.#size
  }

  /** The row of an id, or -1 when it was never added (or is no UUID). */
  find(uuid: string): number {
    return readUuid(uuid, this.#key) ? (this.#slots[this.#slotOf()] as number) - 1 : -1
  }

  has(uuid: string): boolean {
    return this.find(uuid) !== -1
  }

  /** Adds an id and answers true, or false when it was there already. Throws on anything that is no UUID. */
  add(uuid: string): boolean {
    if (!readUuid(uuid, this.#key)) throw new RangeError(`'${uuid}' is not a UUID`)
    if (this.#slots[this.#slotOf()] !== EMPTY) return false
    if ((this.#size + 1) * 2 > this.#slots.length) this.#grow()
    for (let word = 0; word < WORDS; word++) this.#ids[this.#size * WORDS + word] = this.#key[word] as number
    this.#slots[this.#slotOf()] = ++this.#size
    return true
  }

  at(row: number): string {
    return writeUuid(this.#ids.subarray(row * WORDS, (row + 1) * WORDS))
  }

  /** The slot that holds `#key`, or the free one where it belongs. */
  #slotOf(): number {
    const mask = this.#slots.length - 1
    let slot = hashUuid(this.#key) & mask
    for (;;) {
      const row = (this.#slots[slot] as number) - 1
      if (row === -1 || this.#isAt(row)) return slot
      slot = (slot + 1) & mask
    }
  }

  #isAt(row: number): boolean {
    for (let word = 0; word < WORDS; word++)
      if (this.#ids[row * WORDS + word] !== this.#key[word]) return false
    return true
  }

  #grow(): void {
    const ids = new Uint32Array(this.#ids.length * 2)
    ids.set(this.#ids)
    this.#ids = ids
    const key = this.#key.slice()
    this.#slots = new Int32Array(this.#slots.length * 2)
    for (let row = 0; row < this.#size; row++) {
      this.#key.set(ids.subarray(row * WORDS, (row + 1) * WORDS))
      this.#slots[this.#slotOf()] = row + 1
    }
    this.#key.set(key)
  }
}
