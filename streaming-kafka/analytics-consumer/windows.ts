import { type Counted, type Counts, noCounts } from './counts.ts'

export interface Bucket extends Counts {
  /** Where the bucket starts, seconds since the epoch. */
  from: number
}

/**
 * Counters by event time: one bucket for every `widthSeconds`, the newest `keep` of them. Which buckets there are follows
 * from the newest event alone, so the counts do not depend on the order in which events arrive, and a replay gives the
 * same ones. What is older than the oldest bucket is not counted.
 */
export class RollingCounts {
  readonly #widthSeconds: number
  readonly #keep: number
  readonly #buckets = new Map<number, Counts>()
  #newest = Number.NEGATIVE_INFINITY

  constructor({ widthSeconds, keep }: { widthSeconds: number; keep: number }) {
    this.#widthSeconds = widthSeconds
    this.#keep = keep
  }

  /** `at` in seconds since the epoch. */
  add(at: number, what: Counted): void {
    const index = Math.floor(at / this.#widthSeconds)
    if (index > this.#newest) this.#advance(index)
    if (index <= this.#newest - this.#keep) return
    const counts = this.#buckets.get(index) ?? noCounts()
    counts[what]++
    this.#buckets.set(index, counts)
  }

  /** All buckets together, and the span they cover; undefined before the first event. */
  total(): { from: number; to: number; counts: Counts } | undefined {
    if (this.#buckets.size === 0) return undefined
    const counts = noCounts()
    for (const { orders, reserved, failed } of this.#buckets.values()) {
      counts.orders += orders
      counts.reserved += reserved
      counts.failed += failed
    }
    const to = (this.#newest + 1) * this.#widthSeconds
    return { from: to - this.#keep * this.#widthSeconds, to, counts }
  }

  /** Buckets that hold something, oldest first. */
  buckets(): Bucket[] {
    return [...this.#buckets]
      .sort(([a], [b]) => a - b)
      .map(([index, counts]) => ({ from: index * this.#widthSeconds, ...counts }))
  }

  clear(): void {
    this.#buckets.clear()
    this.#newest = Number.NEGATIVE_INFINITY
  }

  #advance(index: number): void {
    this.#newest = index
    for (const old of this.#buckets.keys()) if (old <= index - this.#keep) this.#buckets.delete(old)
  }
}

const MINUTE = 60

/**
 * Orders of the minute that ends now, by event time. It falls when orders stop. An order of the future counts when its second
 * has come, and holds nothing until then.
 */
export class LastMinute {
  readonly #perSecond = new Map<number, number>()

  /** Both in seconds since the epoch. */
  add(at: number, now: number): void {
    const second = Math.floor(at)
    if (second <= Math.floor(now) - MINUTE) return
    this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + 1)
  }

  total(now: number): number {
    const end = Math.floor(now)
    let orders = 0
    for (const [second, count] of this.#perSecond) {
      if (second <= end - MINUTE) this.#perSecond.delete(second)
      else if (second <= end) orders += count
    }
    return orders
  }

  clear(): void {
    this.#perSecond.clear()
  }
}
