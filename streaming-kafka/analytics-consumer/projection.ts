import { hash } from 'node:crypto'
import type { OrderEvent } from '@lab/common/domain/events.ts'
import { UuidIndex } from '@lab/common/uuid-index.ts'
import { SetDigest } from '../state/set-digest.ts'
import { type Counted, type Counts, failureRate, noCounts } from './counts.ts'
import { EventWords } from './event-words.ts'
import { OpenOrders } from './open-orders.ts'
import { LastMinute, RollingCounts } from './windows.ts'

const COUNTED: Record<OrderEvent['type'], Counted> = {
  OrderPlaced: 'orders',
  InventoryReserved: 'reserved',
  InventoryFailed: 'failed',
}

/**
 * What the two topics say, counted. Every event counts once, by its id, however often the log repeats it; the result does
 * not depend on the order in which partitions are read.
 *
 * Windows are in event time, and an event's time is when its order was placed: a minute's failures are those of the
 * orders placed in that minute. A time later than the record's own, when the log got it, is somebody's mistake: it counts as
 * that, which is the same at every reading, so that no order from the future moves the windows to where nobody is.
 */
export class Projection {
  readonly #seen = new UuidIndex()
  #totals: Counts = noCounts()
  #duplicates = 0
  readonly #words = new EventWords()
  readonly #digest = new SetDigest()
  readonly #window = new RollingCounts({ widthSeconds: 1, keep: 60 })
  readonly #open = new OpenOrders()
  readonly #lastMinute = new LastMinute()
  readonly #now: () => number
  readonly #minutes = new RollingCounts({ widthSeconds: 60, keep: 60 })

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Counts an event; false when it was counted before. `recordedAt` is when the log got it, milliseconds. */
  apply(event: OrderEvent, recordedAt = Number.POSITIVE_INFINITY): boolean {
    this.#words.read(event)
    if (!this.#seen.add(this.#words.id)) {
      this.#duplicates++
      return false
    }
    const what = COUNTED[event.type]
    this.#totals[what]++
    const at = Math.min(this.#words.timestamp, recordedAt / 1_000)
    this.#window.add(at, what)
    this.#minutes.add(at, what)
    if (what === 'orders') {
      this.#lastMinute.add(at, this.#now() / 1_000)
      this.#open.placed(this.#words.subject)
    } else this.#open.decided(this.#words.subject)
    this.#digest.add(this.#words.all)
    return true
  }

  clear(): void {
    this.#seen.clear()
    this.#totals = noCounts()
    this.#duplicates = 0
    this.#digest.clear()
    this.#window.clear()
    this.#open.clear()
    this.#lastMinute.clear()
    this.#minutes.clear()
  }

  get totals(): Counts {
    return this.#totals
  }

  /** Events read again: of an id that was counted before. */
  get duplicates(): number {
    return this.#duplicates
  }

  /** Orders placed in the 60 s of event time that end with the newest order. */
  window() {
    const window = this.#window.total()
    const counts = window?.counts ?? noCounts()
    return {
      seconds: 60,
      from: window?.from ?? null,
      to: window?.to ?? null,
      ...counts,
      failure_rate: failureRate(counts),
    }
  }

  /** Orders placed in the 60 s that end now. */
  ordersPerMinute(): number {
    return this.#lastMinute.total(this.#now() / 1_000)
  }

  /** Orders without a decision, and the one of them that was read first. */
  openOrders(): { undecided_orders: number; oldest_order_id: string | null } {
    return { undecided_orders: this.#open.count, oldest_order_id: this.#open.oldest() }
  }

  minutes() {
    return this.#minutes.buckets()
  }

  /** The same for the same set of events; another set has another, as sure as 128 bits can make it. */
  hash(): string {
    const { orders, reserved, failed } = this.#totals
    return hash('sha256', `${orders}/${reserved}/${failed}/${this.#digest}`, 'hex')
  }
}
