import { UuidIndex } from '@lab/common/uuid-index.ts'
import { Column } from './column.ts'

/**
 * Numbers order ids from 0 in the order they first appear. A UUID takes about 30 bytes here, where a string in a `Map`
 * takes 150 and has to be looked at by every garbage collection. Ids of any other form work too, at a Map's price.
 */
export class IdTable {
  /** How many numbers were given out. */
  size = 0
  readonly #uuids = new UuidIndex()
  /** The row of each UUID, in the order of the index. */
  readonly #rows = new Column(Uint32Array)
  /** Where the UUID of a row is in the index, plus 1; 0 for a row without one. */
  readonly #places = new Column(Uint32Array)
  readonly #others = new Map<string, number>()
  readonly #otherIds = new Map<number, string>()

  /** A row without an id. */
  add(): number {
    return this.size++
  }

  /** The row of an id, or undefined when it has none. */
  find(id: string): number | undefined {
    const place = isCanonical(id) ? this.#uuids.find(id) : -1
    return place === -1 ? this.#others.get(id) : this.#rows.get(place)
  }

  /** The row of an id, given to it now when it had none. */
  rowOf(id: string): number {
    const known = this.find(id)
    if (known !== undefined) return known
    const row = this.size++
    if (isCanonical(id)) {
      this.#uuids.add(id)
      this.#rows.set(this.#uuids.size - 1, row)
      this.#places.set(row, this.#uuids.size)
    } else {
      this.#others.set(id, row)
      this.#otherIds.set(row, id)
    }
    return row
  }

  idOf(row: number): string | undefined {
    const place = this.#places.get(row)
    return place === 0 ? this.#otherIds.get(row) : this.#uuids.at(place - 1)
  }
}

/** A UUID as it is written here: one in capitals is another id to the ledger. */
const isCanonical = (id: string): boolean => /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/.test(id)
