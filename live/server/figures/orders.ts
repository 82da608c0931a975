import { type Item, isTerminal, Order, OrderStatus } from '@lab/common/domain/order.ts'
import { nextIn } from '@lab/kit/paging.ts'
import { request } from 'undici'
import { z } from 'zod'
import type { OrderUpdate } from '../flow/order-stream.ts'

const PAGE = 500
/** Read at once; a list of a million orders is caught up with in some seconds, and never in one gulp. */
const PAGES_AT_ONCE = 8
const CALL_MS = 4_000
const RECHECKED = 50
const RECHECK_AFTER_MS = 3_000
/** Undecided orders that are known one by one. */
const MAX_OPEN = 200_000
const REMEMBERED = 5_000

/** `since` it is known, and `askedAt` when it was last asked for; milliseconds since the epoch. */
type Open = Pick<Order, 'item' | 'quantity' | 'status'> & { since: number; askedAt: number }

const Orders = z.array(Order)

/**
 * The orders of one lane, as their order service lists them: all are counted, those without a decision are known one by one.
 * The list is read page by page as it grows; decisions come by the order stream, and whatever that has not told is asked for.
 */
export class OrderList {
  readonly #url: string
  readonly #now: () => number
  #path = `/orders?limit=${PAGE}`
  #seen = 0
  #open = new Map<string, Open>()
  /** Updates about orders that no page has shown yet. */
  #early = new Map<string, OrderStatus>()
  /** Reserved, and perhaps to be notified. */
  #reservedLately = new Set<string>()
  #decidedLately: { order: string; at: number }[] = []
  #counts: Record<string, number> = {}
  #reserved: Record<Item, number> = { burger: 0, pizza: 0, salad: 0 }
  #acknowledged = 0
  #isCurrent = false

  constructor(url: string, now: () => number = Date.now) {
    this.#url = url
    this.#now = now
  }

  /** Whether the end of the list was reached; until then the numbers are of a part of it. */
  get isCurrent(): boolean {
    return this.#isCurrent && this.#open.size < MAX_OPEN
  }
  get acknowledged(): number {
    return this.#acknowledged
  }
  get waiting(): number {
    return this.#open.size
  }
  get reserved(): Readonly<Record<Item, number>> {
    return this.#reserved
  }
  get byStatus(): Readonly<Record<string, number>> {
    return this.#counts
  }

  /** Undecided orders, oldest first. */
  undecided(limit: number): { order: string; status: string; since: number }[] {
    const found = []
    for (const [order, { status, since }] of this.#open) {
      if (found.length === limit) break
      found.push({ order, status, since })
    }
    return found
  }

  /** Orders that were decided after this moment, newest first, as far as they are remembered. */
  decidedAfter(at: number): string[] {
    return this.#decidedLately
      .filter((one) => one.at > at)
      .map(({ order }) => order)
      .reverse()
  }

  update({ order_id, status }: OrderUpdate): void {
    const known = OrderStatus.safeParse(status)
    if (!known.success) return
    const open = this.#open.get(order_id)
    if (open) {
      this.#move(order_id, open, known.data)
      return
    }
    if (known.data === 'notified' && this.#reservedLately.delete(order_id)) {
      this.#add('reserved', -1)
      this.#add('notified', 1)
      return
    }
    if (this.#early.size >= REMEMBERED) this.#early.delete(this.#early.keys().next().value!)
    this.#early.set(order_id, known.data)
  }

  /** Reads what is new in the list, and asks for orders that have waited long. Rejects when the service does not answer. */
  async read(): Promise<void> {
    for (let page = 0; page < PAGES_AT_ONCE; page++) {
      const { statusCode, headers, body } = await request(`${this.#url}${this.#path}`, {
        signal: AbortSignal.timeout(CALL_MS),
      })
      const answer = await body.json()
      // A cursor of a list that is gone: the service was started anew, without a store.
      if (statusCode === 400) return this.#begin()
      if (statusCode !== 200) throw new Error(`GET /orders answered ${statusCode}`)
      const rows = Orders.parse(answer)
      if (rows.length < this.#seen) return this.#begin()
      for (const order of rows.slice(this.#seen)) this.#take(order)
      const next = nextIn(headers.link as string | undefined)
      this.#isCurrent = next === undefined
      this.#seen = next === undefined ? rows.length : 0
      if (next === undefined) break
      this.#path = next
    }
    await this.#recheck()
  }

  #begin(): void {
    this.#path = `/orders?limit=${PAGE}`
    this.#seen = 0
    this.#open = new Map()
    this.#early = new Map()
    this.#reservedLately = new Set()
    this.#decidedLately = []
    this.#counts = {}
    this.#reserved = { burger: 0, pizza: 0, salad: 0 }
    this.#acknowledged = 0
    this.#isCurrent = false
  }

  #take({ order_id, item, quantity, status }: Order): void {
    this.#acknowledged++
    const early = this.#early.get(order_id)
    this.#early.delete(order_id)
    this.#add('placed', 1)
    const since = this.#now()
    const open: Open = { item, quantity, status: 'placed', since, askedAt: since }
    this.#open.set(order_id, open)
    this.#move(order_id, open, status)
    if (early) this.update({ order_id, status: early, at: 0 })
  }

  #move(order: string, open: Open, status: OrderStatus): void {
    if (status === open.status) return
    this.#add(open.status, -1)
    this.#add(status, 1)
    open.status = status
    if (!isTerminal(status)) return
    this.#open.delete(order)
    this.#decidedLately.push({ order, at: this.#now() })
    if (this.#decidedLately.length > 2 * REMEMBERED) this.#decidedLately.splice(0, REMEMBERED)
    if (status === 'failed') return
    this.#reserved[open.item] += open.quantity
    if (status !== 'reserved') return
    if (this.#reservedLately.size >= REMEMBERED)
      this.#reservedLately.delete(this.#reservedLately.keys().next().value!)
    this.#reservedLately.add(order)
  }

  #add(status: string, count: number): void {
    this.#counts[status] = (this.#counts[status] ?? 0) + count
  }

  /** What the stream has not told, because it was down or faster than the list. */
  async #recheck(): Promise<void> {
    const before = this.#now() - RECHECK_AFTER_MS
    const old: [string, Open][] = []
    for (const entry of this.#open) {
      if (old.length === RECHECKED) break
      if (entry[1].askedAt < before) old.push(entry)
    }
    await Promise.all(
      old.map(async ([order, open]) => {
        open.askedAt = this.#now()
        const { statusCode, body } = await request(`${this.#url}/orders/${order}`, {
          signal: AbortSignal.timeout(CALL_MS),
        })
        const answer = Order.safeParse(await body.json())
        if (statusCode === 200 && answer.success && this.#open.get(order) === open)
          this.#move(order, open, answer.data.status)
      }),
    )
  }
}
