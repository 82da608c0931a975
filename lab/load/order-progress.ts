import type { OrderStatus } from '@lab/common/domain/order.ts'

export interface Sight {
  status: OrderStatus
  /** When the client learnt of it, on its own clock (`performance.now()`). */
  seenAt: number
  /** `backfill` was read afterwards: the moment of the change is not known. */
  source: 'event' | 'backfill'
}

/** Everything one client has seen of its orders. A repeated status keeps the time at which it was first seen. */
export class OrderProgress {
  readonly #orders = new Map<string, Sight[]>()
  #waiting = new Set<() => void>()
  /** How often the stream was opened. What happened between two connections was not seen. */
  connections = 0

  record(order_id: string, sight: Sight): void {
    const known = this.#orders.get(order_id)
    if (!known) this.#orders.set(order_id, [sight])
    else if (!known.some(({ status }) => status === sight.status)) known.push(sight)
  }

  of(order_id: string): Sight[] {
    return this.#orders.get(order_id) ?? []
  }

  connected(): void {
    this.connections++
    this.announce()
  }

  /** Wakes those who wait for news: once per batch of events, not once per event. */
  announce(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  /** Resolves at the next `announce`. */
  news(): { promise: Promise<void>; forget: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    return { promise, forget: () => this.#waiting.delete(resolve) }
  }
}
