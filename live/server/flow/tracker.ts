import type { Hop, Move, Moves, Stop } from '../../wire/flow.ts'

/** Moves are gathered this long before windows are told. */
export const FLUSH_MS = 100
/** Orders of one lane that are drawn one by one, each second. */
const DRAWN_PER_SECOND = 60
/** Stories that are remembered, over all lanes. */
const STORIES = 4_000
const HOPS = 40

export interface Event extends Hop {
  lane: string
  order: string
  /** Where the order is now; undefined when the event is of its story alone. */
  stop?: Stop
}

interface Known {
  lane: string
  stop: number
  hops: Hop[]
}

interface LaneRate {
  second: number
  /** New orders in this second, and in the one before. */
  orders: number
  before: number
  moves: Move[]
}

export interface TrackerDeps {
  publish: (moves: Moves) => void
  now?: () => number
}

/**
 * Where the orders are, from what brokers and services said: an order moves when an event says so, and forward only,
 * however late or often an event comes; a retry takes it back, since that is an event too.
 *
 * Of many orders a second it follows one in 2, 4, 8 …, chosen by the order's id, so that whatever is shown of an order is
 * all there is to know of it.
 */
export class Tracker {
  readonly #stories = new Map<string, Known>()
  readonly #lanes = new Map<string, LaneRate>()
  readonly #publish: TrackerDeps['publish']
  readonly #now: () => number
  #timer: NodeJS.Timeout | undefined

  constructor({ publish, now = Date.now }: TrackerDeps) {
    this.#publish = publish
    this.#now = now
  }

  note({ lane, order, stop, ...hop }: Event): void {
    const rate = this.#rateOf(lane)
    let known = this.#stories.get(order)
    if (!known) {
      if (stop === 0 || stop === 1) rate.orders++
      if (!isDrawn(order, this.every(lane))) return
      known = { lane, stop: -1, hops: [] }
      this.#stories.set(order, known)
      this.#forget()
    }
    if (known.hops.length < HOPS) known.hops.push(hop)
    if (stop === undefined) return
    const isBack = hop.mark === 'retry' || hop.mark === 'dead' || hop.mark === 'again'
    if (stop <= known.stop && !isBack) return
    known.stop = stop
    rate.moves.push([order, stop, hop.mark])
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref()
  }

  /** Whether this order is one that is followed. */
  follows(order: string): boolean {
    return this.#stories.has(order)
  }

  story(order: string): { lane: string; hops: readonly Hop[] } | undefined {
    const known = this.#stories.get(order)
    return known && { lane: known.lane, hops: known.hops.toSorted((a, b) => a.at - b.at) }
  }

  /** Orders of a lane that were last seen at one of these stops. */
  at(lane: string, stops: readonly number[]): string[] {
    return [...this.#stories]
      .filter(([, one]) => one.lane === lane && stops.includes(one.stop))
      .map(([id]) => id)
  }

  /** One order in so many of the lane is followed now. */
  every(lane: string): number {
    const { orders, before } = this.#rateOf(lane)
    const perSecond = Math.max(orders, before)
    return 2 ** Math.max(0, Math.ceil(Math.log2(perSecond / DRAWN_PER_SECOND)))
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [lane, rate] of this.#lanes) {
      if (rate.moves.length === 0) continue
      this.#publish({ lane, moves: rate.moves, every: this.every(lane) })
      rate.moves = []
    }
  }

  #rateOf(lane: string): LaneRate {
    const second = Math.floor(this.#now() / 1_000)
    const rate = this.#lanes.get(lane) ?? { second, orders: 0, before: 0, moves: [] }
    this.#lanes.set(lane, rate)
    if (rate.second !== second) {
      rate.before = rate.second === second - 1 ? rate.orders : 0
      rate.orders = 0
      rate.second = second
    }
    return rate
  }

  #forget(): void {
    if (this.#stories.size <= STORIES) return
    const { value } = this.#stories.keys().next()
    if (value !== undefined) this.#stories.delete(value)
  }
}

/** By the last digits, which are random in every version of UUID; the drawn of 8 are among the drawn of 4. */
export function isDrawn(order: string, every: number): boolean {
  const digits = Number.parseInt(order.slice(-6), 16)
  return Number.isNaN(digits) || (digits & (every - 1)) === 0
}
