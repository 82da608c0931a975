import { hash } from 'node:crypto'
import type { OrderEvent } from '@lab/common/domain/events.ts'
import { UuidIndex } from '../state/uuid-index.ts'
import { type Counted, type Counts, failureRate, noCounts } from './counts.ts'
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
  readonly #digest = new Uint32Array(4)
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
    this.#addDigest(event)
    return true
  }

  clear(): void {
    this.#seen = new UuidIndex()
    this.#totals = noCounts()
    this.#duplicates = 0
    this.#digest.fill(0)
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

  /** The same for the same set of events, and for no other. */
  hash(): string {
    const { orders, reserved, failed } = this.#totals
    return hash('sha256', [orders, reserved, failed, ...this.#digest].join('/'), 'hex')
  }

  /**
   * Adds the event's digest to a sum of 4 × 32 bits. A sum does not depend on the order, as the interleaving of the
   * partitions does not matter; and unlike an exclusive or, two of the same do not cancel out.
   */
  #addDigest({ id, type, subject, data }: OrderEvent): void {
    const { item, quantity, timestamp } = data
    const reason = 'reason' in data ? data.reason : ''
    const digest = hash(
      'sha1',
      `${id}|${type}|${subject}|${item}|${quantity}|${timestamp}|${reason}`,
      'buffer',
    )
    for (let word = 0; word < 4; word++)
      this.#digest[word] = (this.#digest[word] as number) + digest.readUInt32LE(word * 4)
  }
}
