import { request } from 'undici'
import type { Phase } from '../../wire/switches.ts'

/** What a customer has patience for. Part A gives each of its two calls five seconds. */
const PATIENCE_MS = 12_000
const READ_MS = 2_000
/** Those that have waited longest are asked about, a few at a time. */
const ASKED_AT_ONCE = 20
const ITEMS = ['burger', 'pizza', 'salad']
const DECIDED = new Set(['reserved', 'notified', 'failed', 'timeout'])

type PhaseName = 'before' | 'during' | 'after'

interface Order {
  phase: PhaseName
  sentAt: number
  /** `open` until there is an answer. */
  outcome: 'open' | 'accepted' | 'refused'
  answerMs?: number
  id?: string
  /** Decided, or never to be. */
  isOver: boolean
  isLost: boolean
}

/**
 * A few orders a second, as customers place them, and what becomes of each: what is measured while a switch is turned. Times
 * of sending are kept whatever the answers do.
 */
export class Probe {
  readonly #url: string
  readonly #everyMs: number
  readonly #orders: Order[] = []
  readonly #startedAt = performance.now()
  readonly #phases: Record<PhaseName, { from: number; to: number; waiting: number } | undefined>
  readonly #closing = new AbortController()
  #phase: PhaseName = 'before'
  #timer: NodeJS.Timeout | undefined

  constructor(ordersUrl: string, perSecond: number) {
    this.#url = ordersUrl
    this.#everyMs = 1_000 / perSecond
    this.#phases = { before: { from: 0, to: 0, waiting: 0 }, during: undefined, after: undefined }
  }

  start(): void {
    this.#timer = setInterval(() => this.#sendWhatIsDue(), this.#everyMs)
  }

  /** No order is sent any more, and nobody waits for an answer. */
  close(): void {
    clearInterval(this.#timer)
    this.#closing.abort()
  }

  enter(phase: PhaseName): void {
    this.#phase = phase
    this.#phases[phase] = { from: this.seconds, to: this.seconds, waiting: 0 }
  }

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000
  }

  /** Sent, and nothing decided yet. */
  get waiting(): number {
    return this.#orders.filter((order) => !order.isOver).length
  }

  get refused(): number {
    return this.#orders.filter(({ outcome }) => outcome === 'refused').length
  }

  get lost(): number {
    return this.#orders.filter(({ isLost }) => isLost).length
  }

  /** Whether orders of this phase are accepted, and none of the earlier ones waits. */
  get hasRecovered(): boolean {
    const earlier = this.#orders.filter(({ phase }) => phase !== this.#phase)
    const answered = this.#orders.filter(({ phase, outcome }) => phase === this.#phase && outcome !== 'open')
    return earlier.every(({ isOver }) => isOver) && answered.at(-1)?.outcome === 'accepted'
  }

  /** Asks about orders that are waiting, and takes note of how many do. To be called a few times a second, one after the other. */
  async look(): Promise<void> {
    const asked = this.#orders.filter(({ id, isOver }) => id !== undefined && !isOver).slice(0, ASKED_AT_ONCE)
    await Promise.all(asked.map((order) => this.#ask(order)))
    const now = this.#phases[this.#phase]!
    now.to = this.seconds
    now.waiting = Math.max(now.waiting, this.waiting)
  }

  summary(name: PhaseName): Phase {
    const phase = this.#phases[name]
    const orders = this.#orders.filter((order) => order.phase === name)
    const times = orders.flatMap(({ answerMs }) => answerMs ?? []).sort((a, b) => a - b)
    const median = times[Math.floor(times.length / 2)]
    return {
      seconds: phase ? Math.round((phase.to - phase.from) * 10) / 10 : 0,
      sent: orders.length,
      accepted: orders.filter(({ outcome }) => outcome === 'accepted').length,
      refused: orders.filter(({ outcome }) => outcome === 'refused').length,
      answer_ms: median === undefined ? null : Math.round(median),
      waiting: phase?.waiting ?? 0,
    }
  }

  /** One for each moment that has come, so that a stall of this process is not a gentler load. */
  #sendWhatIsDue(): void {
    const due = Math.floor((performance.now() - this.#startedAt) / this.#everyMs)
    while (this.#orders.length < due) void this.#send(this.#orders.length)
  }

  async #send(number: number): Promise<void> {
    const order: Order = {
      phase: this.#phase,
      sentAt: performance.now(),
      outcome: 'open',
      isOver: false,
      isLost: false,
    }
    this.#orders.push(order)
    try {
      const { statusCode, body } = await request(`${this.#url}/order`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ item: ITEMS[number % ITEMS.length], quantity: 1 }),
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(PATIENCE_MS)]),
      })
      const answer = (await body.json().catch(() => ({}))) as {
        order_id?: string
        status?: string
        reason?: string
      }
      order.answerMs = performance.now() - order.sentAt
      // Out of stock is what was asked for, answered: no service has failed.
      const isAccepted = statusCode < 300 || answer.reason === 'out_of_stock'
      order.outcome = isAccepted ? 'accepted' : 'refused'
      if (isAccepted && answer.order_id !== undefined) order.id = answer.order_id
      order.isOver = !isAccepted || DECIDED.has(answer.status ?? '')
    } catch {
      if (this.#closing.signal.aborted) return
      order.outcome = 'refused'
      order.isOver = true
    }
  }

  async #ask(order: Order): Promise<void> {
    try {
      const { statusCode, body } = await request(`${this.#url}/orders/${order.id}`, {
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(READ_MS)]),
      })
      const answer = (await body.json().catch(() => ({}))) as { status?: string }
      if (statusCode === 200) order.isOver = DECIDED.has(answer.status ?? '')
      if (statusCode === 404) order.isLost = order.isOver = true
    } catch {
      // It does not answer just now; asked again at the next look.
    }
  }
}
