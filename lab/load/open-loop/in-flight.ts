import type { Exchange } from './exchange.ts'

/**
 * The exchanges that have no answer yet, oldest first. They share one time-out, so the first that is late is always at
 * the front, and no timer is needed for each.
 */
export class InFlight {
  #queue: Exchange[] = []
  #front = 0
  #open = 0
  readonly #timeoutMs: number

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  get size(): number {
    return this.#open
  }

  /** Call before the exchange is started: its answer may come at once. */
  opened(): void {
    this.#open++
  }

  add(exchange: Exchange): void {
    this.#queue.push(exchange)
  }

  closed(): void {
    this.#open--
  }

  /** Gives up on what has waited longer than the time-out. */
  expire(at: number): void {
    while (this.#front < this.#queue.length) {
      const exchange = this.#queue[this.#front]!
      if (!exchange.isDone && at - exchange.firedAt < this.#timeoutMs) break
      this.#front++
      exchange.giveUp()
    }
    if (this.#front < 1_024) return
    this.#queue = this.#queue.slice(this.#front)
    this.#front = 0
  }

  giveUpAll(): void {
    for (const exchange of this.#queue.slice(this.#front)) exchange.giveUp()
  }
}
