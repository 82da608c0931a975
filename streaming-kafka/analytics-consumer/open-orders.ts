import { type Uuid, UuidIndex, widened } from '@lab/common/uuid-index.ts'

const PLACED = 1
const DECIDED = 2

/** Orders that were placed and have no decision yet, whichever of the two is read first; about 25 bytes an order. */
export class OpenOrders {
  readonly #ids = new UuidIndex()
  #flags = new Uint8Array(1_024)
  #count = 0
  /** No order before this row is open, and none will be again. */
  #oldest = 0

  placed(order_id: Uuid): void {
    if (this.#mark(order_id, PLACED) === PLACED) this.#count++
  }

  decided(order_id: Uuid): void {
    if (this.#mark(order_id, DECIDED) === (PLACED | DECIDED)) this.#count--
  }

  get count(): number {
    return this.#count
  }

  /** The one that was read first. */
  oldest(): string | null {
    if (this.#count === 0) return null
    while (this.#flags[this.#oldest] !== PLACED) this.#oldest++
    return this.#ids.at(this.#oldest)
  }

  clear(): void {
    this.#ids.clear()
    this.#flags.fill(0)
    this.#count = 0
    this.#oldest = 0
  }

  /** What is known of the order with this, when it is news; 0 when it is not. */
  #mark(order_id: Uuid, flag: number): number {
    const row = this.#ids.place(order_id)
    if (row >= this.#flags.length) this.#grow()
    const before = this.#flags[row] as number
    if (before & flag) return 0
    this.#flags[row] = before | flag
    return before | flag
  }

  #grow(): void {
    this.#flags = new Uint8Array(widened(this.#flags))
  }
}
