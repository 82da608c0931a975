import { hashUuid, readUuid, UUID_WORDS, writeUuid } from '@lab/common/kit/uuid-words.ts'
import { Column } from './column.ts'

/**
 * Numbers order ids from 0 in the order they first appear. A UUID takes about 30 bytes here, where a string in a `Map`
 * takes 150 and has to be looked at by every garbage collection. Ids of any other form work too, at a Map's price.
 */
export class IdTable {
  /** How many numbers were given out. */
  size = 0
  readonly #words = [0, 1, 2, 3].map(() => new Column(Uint32Array))
  /** Open addressing: 0 is free, anything else a row + 1. Never more than half full. */
  #slots = new Uint32Array(2_048)
  readonly #others = new Map<string, number>()
  readonly #otherIds = new Map<number, string>()
  readonly #parsed = new Uint32Array(UUID_WORDS)
  readonly #hasUuid = new Column(Uint8Array)

  /** A row without an id. */
  add(): number {
    return this.size++
  }

  /** The row of an id, or undefined when it has none. */
  find(id: string): number | undefined {
    if (!parseUuid(id, this.#parsed)) return this.#others.get(id)
    const slot = this.#slots[this.#slotOf(this.#parsed)]!
    return slot === 0 ? undefined : slot - 1
  }

  /** The row of an id, given to it now when it had none. */
  rowOf(id: string): number {
    if (!parseUuid(id, this.#parsed)) return this.#rowOfOther(id)
    const at = this.#slotOf(this.#parsed)
    const slot = this.#slots[at]!
    if (slot !== 0) return slot - 1
    const row = this.size++
    for (let i = 0; i < UUID_WORDS; i++) this.#words[i]!.set(row, this.#parsed[i]!)
    this.#hasUuid.set(row, 1)
    this.#slots[at] = row + 1
    if (this.size * 2 > this.#slots.length) this.#grow()
    return row
  }

  idOf(row: number): string | undefined {
    if (this.#hasUuid.get(row) === 0) return this.#otherIds.get(row)
    return writeUuid(this.#words.map((words) => words.get(row)))
  }

  #rowOfOther(id: string): number {
    const known = this.#others.get(id)
    if (known !== undefined) return known
    const row = this.size++
    this.#others.set(id, row)
    this.#otherIds.set(row, id)
    return row
  }

  /** The slot that holds these words, or the free one where they belong. */
  #slotOf(words: Uint32Array): number {
    const mask = this.#slots.length - 1
    let at = hashUuid(words) & mask
    for (;;) {
      const slot = this.#slots[at]!
      if (slot === 0 || this.#isSame(slot - 1, words)) return at
      at = (at + 1) & mask
    }
  }

  #isSame(row: number, words: Uint32Array): boolean {
    for (let i = 0; i < UUID_WORDS; i++) if (this.#words[i]!.get(row) !== words[i]) return false
    return true
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2)
    const words = new Uint32Array(UUID_WORDS)
    for (let row = 0; row < this.size; row++) {
      if (this.#hasUuid.get(row) === 0) continue
      for (let i = 0; i < UUID_WORDS; i++) words[i] = this.#words[i]!.get(row)
      this.#slots[this.#slotOf(words)] = row + 1
    }
  }
}

/** Reads a UUID in its canonical form. False for anything else: an id in capitals is another id to the ledger. */
const parseUuid = (id: string, words: Uint32Array): boolean => readUuid(id, words) && !/[A-F]/.test(id)
