import { ITEMS, type Item } from '@lab/common/domain/order.ts'
import type { Lamp } from '../../wire/figures.ts'

/** An imbalance has to stand still this long: the management API's samples are up to five seconds old. */
const REDDENS_AFTER_MS = 7_000
const NAMED = 10

/** What one equation says at one moment. */
export interface Reading {
  /** Its numbers; while they change, nothing is said. */
  numbers: readonly number[]
  holds: boolean
  text: string
  /** Orders by which it does not hold; asked for only then. */
  orders: () => string[]
}

/** The orders: every acknowledged one is decided, or waits where a broker or a service can show it. */
export interface OrderBalance {
  acknowledged: number
  /** Acknowledged and not decided, as the order service lists them. */
  undecided: number
  /** Messages or calls that wait, as brokers and services count them. */
  waiting: number
  /** Undecided orders that wait as dead letters for somebody to look after them. */
  dead: number
}

export function orderReading(
  { acknowledged, undecided, waiting, dead }: OrderBalance,
  orders: () => string[],
): Reading {
  const decided = acknowledged - undecided
  const lost = Math.max(0, undecided - waiting - dead)
  const places = [`${waiting} waiting`, ...(dead > 0 ? [`${dead} dead letters`] : [])].join(' + ')
  return {
    numbers: [acknowledged, undecided, waiting, dead],
    holds: lost === 0,
    text:
      lost === 0
        ? `${acknowledged} acknowledged = ${decided} decided + ${undecided} undecided, and of these none is missing (${places})`
        : `${acknowledged} acknowledged, ${decided} decided, ${places}: ${lost} ${lost === 1 ? 'is' : 'are'} nowhere`,
    orders,
  }
}

export interface StockBalance {
  stock: Record<Item, number>
  reserved: Record<Item, number>
  initial: Record<Item, number>
}

export function stockReading({ stock, reserved, initial }: StockBalance, orders: () => string[]): Reading {
  const off = ITEMS.filter((item) => stock[item] + reserved[item] !== initial[item])
  const shown = (off.length > 0 ? off : ITEMS).map((item) => {
    const sum = stock[item] + reserved[item]
    return `${item} ${stock[item]} + ${reserved[item]} ${sum === initial[item] ? '=' : '≠'} ${initial[item]}`
  })
  return {
    numbers: ITEMS.flatMap((item) => [stock[item], reserved[item]]),
    holds: off.length === 0,
    text: `${shown.join(', ')} (stock + reserved = initial)`,
    orders,
  }
}

/** A lamp over time: an equation between numbers that were not read at one moment holds or not once they stand still. */
export class LampState {
  readonly #name: Lamp['name']
  #last = ''
  #brokenSince: number | undefined
  #heldAt: number | null = null

  constructor(name: Lamp['name']) {
    this.#name = name
  }

  get heldAt(): number | null {
    return this.#heldAt
  }

  /** `reading` is why there is none, where there is none. */
  see(reading: Reading | string, now: number): Lamp {
    if (typeof reading === 'string') {
      this.#brokenSince = undefined
      this.#last = ''
      return this.#lamp('unknown', reading)
    }
    const numbers = reading.numbers.join()
    const stands = numbers === this.#last
    this.#last = numbers
    if (!stands) {
      this.#brokenSince = undefined
      return this.#lamp('moving', reading.text)
    }
    if (reading.holds) {
      this.#heldAt = now
      this.#brokenSince = undefined
      return this.#lamp('holds', reading.text)
    }
    this.#brokenSince ??= now
    if (now - this.#brokenSince < REDDENS_AFTER_MS) return this.#lamp('moving', reading.text)
    return { ...this.#lamp('broken', reading.text), orders: reading.orders().slice(0, NAMED) }
  }

  #lamp(state: Lamp['state'], text: string): Lamp {
    return { name: this.#name, state, text, heldAt: this.#heldAt, orders: [] }
  }
}
