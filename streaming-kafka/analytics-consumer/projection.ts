import { hash } from 'node:crypto'
import type { OrderEvent } from '@lab/common/domain/events.ts'
import { SetDigest } from '../state/set-digest.ts'
import { UuidIndex } from '../state/uuid-index.ts'
import { type Counted, type Counts, failureRate, noCounts } from './counts.ts'
import { createEventWords } from './event-words.ts'
import { RollingCounts } from './windows.ts'

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
 * orders placed in that minute.
 */
export class Projection {
  #seen = new UuidIndex()
  #totals: Counts = noCounts()
  #duplicates = 0
  readonly #wordsOf = createEventWords()
  readonly #digest = new SetDigest()
  readonly #lastMinute = new RollingCounts({ widthSeconds: 1, keep: 60 })
  readonly #minutes = new RollingCounts({ widthSeconds: 60, keep: 60 })

  /** Counts an event; false when it was counted before. */
  apply(event: OrderEvent): boolean {
    if (!this.#seen.add(event.id)) {
      this.#duplicates++
      return false
    }
    const what = COUNTED[event.type]
    this.#totals[what]++
    this.#lastMinute.add(event.data.timestamp, what)
    this.#minutes.add(event.data.timestamp, what)
    this.#digest.add(this.#wordsOf(event))
    return true
  }

  clear(): void {
    this.#seen = new UuidIndex()
    this.#totals = noCounts()
    this.#duplicates = 0
    this.#digest.clear()
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
    const window = this.#lastMinute.total()
    const counts = window?.counts ?? noCounts()
    return {
      seconds: 60,
      from: window?.from ?? null,
      to: window?.to ?? null,
      ...counts,
      failure_rate: failureRate(counts),
    }
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
