import { isTerminal, type OrderStatus } from '@lab/common/domain/order.ts'

/** An accepted order on its way to a terminal status. */
export interface Awaited {
  intendedAt: number
}

export interface CompletedOrder extends Awaited {
  status: OrderStatus
  seenAt: number
  /** Seen by asking, not by the stream: `seenAt` is an upper bound. */
  isLookedUp: boolean
}

/** Enough for several seconds of the highest rates between an event and the response that names its order. */
const EARLY_LIMIT = 65_536

/**
 * Matches terminal statuses with the orders that are waiting for one, whichever comes first: an event can overtake the
 * response that tells the order's id. Events of orders nobody here sent are held too, so that memory is bounded and
 * the oldest give way; an order whose event was given up that way is found by the last look-up.
 */
export class Completions {
  readonly #awaited = new Map<string, Awaited>()
  readonly #early = new Map<string, { status: OrderStatus; seenAt: number }>()
  readonly #onComplete: (order: CompletedOrder) => void
  readonly #earlyLimit: number

  constructor(onComplete: (order: CompletedOrder) => void, earlyLimit = EARLY_LIMIT) {
    this.#onComplete = onComplete
    this.#earlyLimit = earlyLimit
  }

  get awaiting(): number {
    return this.#awaited.size
  }

  openIds(): string[] {
    return [...this.#awaited.keys()]
  }

  /** The response told the order's id; it completes now when its event was here first. */
  expect(order_id: string, order: Awaited): void {
    const early = this.#early.get(order_id)
    if (!early) {
      this.#awaited.set(order_id, order)
      return
    }
    this.#early.delete(order_id)
    this.#onComplete({ ...order, ...early, isLookedUp: false })
  }

  observe(order_id: string, status: OrderStatus, seenAt: number, isLookedUp = false): void {
    if (!isTerminal(status)) return
    const order = this.#awaited.get(order_id)
    if (order) {
      this.#awaited.delete(order_id)
      this.#onComplete({ ...order, status, seenAt, isLookedUp })
    } else if (!isLookedUp && !this.#early.has(order_id)) {
      this.#early.set(order_id, { status, seenAt })
      if (this.#early.size > this.#earlyLimit) this.#early.delete(this.#early.keys().next().value!)
    }
  }
}
