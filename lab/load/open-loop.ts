import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal, Order } from '@lab/common/domain/order.ts'
import { orderIdForKey } from '@lab/common/ids.ts'
import pLimit from 'p-limit'
import { Pool } from 'undici'
import type { HistoryRecord } from '../ledger/history.ts'
import { bodyOf, oneByOne } from './closed-loop.ts'
import { type CompletedOrder, Completions } from './completions.ts'
import { type Answer, InFlight } from './exchange.ts'
import { now, startMetronome } from './metronome.ts'
import { followOrders } from './order-stream.ts'
import { judgeGenerator, Meter, type OpenLoopResult, type Snapshot, serialized } from './result.ts'
import { checkRate, type Rate, schedule } from './schedule.ts'
import { openServiceClient } from './service-client.ts'

/** One open-loop run. Everything here travels to the generator's process as JSON. */
export interface OpenLoopOptions {
  /** The order service. */
  url: string
  rate: Rate
  /** Same seed, same arrivals. */
  seed?: number
  /** When an order is complete: with its response, or when `GET /orders/stream` shows a terminal status. */
  completion: 'response' | 'stream'
  /** Sends an `Idempotency-Key` with each order, so that the id of an order without an answer is known too. */
  keyPrefix?: string
  /** Connections to the order service; orders beyond it wait for one, and that wait is part of their latency. */
  connections?: number
  /** Above this many unanswered orders a slot is dropped and counted. */
  maxInFlight?: number
  /** An order without an answer for this long is `unknown`. */
  timeoutMs?: number
  /** How long completions are awaited after the last answer. */
  drainMs?: number
  /** Width of the time series and distance of the live snapshots. */
  intervalMs?: number
  /** Where the history of all orders is written as JSON lines; the file must not exist. */
  historyFile?: string
}

const DEFAULTS = {
  seed: 1,
  connections: 256,
  maxInFlight: 10_000,
  timeoutMs: 10_000,
  drainMs: 30_000,
  intervalMs: 250,
}

type FullOptions = OpenLoopOptions & typeof DEFAULTS

export interface GeneratorHooks {
  onSnapshot?: (snapshot: Snapshot) => void
  /** Each order that was sent, once its outcome is known to the client. */
  onRecord?: (record: HistoryRecord) => void
  signal?: AbortSignal
}

/** Shortest distance of two beats: above 5,000 orders/s a beat sends several, in place of a thread that only wakes. */
const BEAT_MS = 0.2
/** From the start of the clock to the first slot, so that the first one is not late already. */
const LEAD_MS = 20
const EXPIRE_EVERY_MS = 20
const DRAIN_LOOK_MS = 10

/**
 * Sends orders when the plan says so, whatever becomes of the earlier ones. Needs a process of its own: anything else
 * that runs here shows up as lateness. Rejects when the rate is wrong or the stream cannot be read; a service that
 * fails, hangs or goes away is a result. After an abort the result says `is_complete: false`.
 */
export async function generate(input: OpenLoopOptions, hooks: GeneratorHooks = {}): Promise<OpenLoopResult> {
  checkRate(input.rate)
  const run = new OpenLoop({ ...DEFAULTS, ...input }, hooks)
  try {
    if (input.completion === 'stream') await run.follow()
    return await run.whole()
  } finally {
    await run.close()
  }
}

interface Slot {
  n: number
  intendedAt: number
}

class OpenLoop {
  readonly #options: FullOptions
  readonly #hooks: GeneratorHooks
  readonly #pool: Pool
  readonly #meter: Meter
  readonly #inFlight: InFlight
  readonly #completions = new Completions((order) => this.#completed(order))
  readonly #closing = new AbortController()
  #ended: Promise<void> | undefined
  #isDraining = false
  /** When the clock of the plan starts; set before the first slot. */
  #startsAt = 0
  #lastOkAt = 0
  #lastCompletedAt = 0

  constructor(options: FullOptions, hooks: GeneratorHooks) {
    this.#options = options
    this.#hooks = hooks
    this.#meter = new Meter(options.intervalMs)
    this.#pool = new Pool(options.url, { connections: options.connections, pipelining: 1 })
    this.#inFlight = new InFlight(this.#pool, options.timeoutMs)
  }

  async follow(): Promise<void> {
    const { ended } = await followOrders(this.#options.url, {
      onStatus: (order_id, status, seenAt) => this.#completions.observe(order_id, status, seenAt),
      onOpen: (opened) => {
        // What happened while nobody read the stream has to be asked for.
        if (opened > 1) void this.#lookUp()
      },
      clock: now,
      stop: this.#closing.signal,
    })
    this.#ended = ended
  }

  async whole(): Promise<OpenLoopResult> {
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    delay.enable()
    const snapshots = setInterval(() => {
      if (this.#startsAt > 0) this.#hooks.onSnapshot?.(this.#snapshot())
    }, this.#options.intervalMs)
    const expiring = setInterval(() => this.#inFlight.expire(now()), EXPIRE_EVERY_MS)
    try {
      await this.#sendAll()
      const sentAt = now()
      // Node records the whole time between two of its timers, in nanoseconds: what is over the resolution is the delay.
      const delayUs = Math.max(0, Math.round(delay.percentile(99) / 1_000 - RESOLUTION_MS * 1_000))
      this.#isDraining = true
      await this.#drain()
      return this.#summary(sentAt, delayUs)
    } finally {
      clearInterval(snapshots)
      clearInterval(expiring)
      delay.disable()
    }
  }

  async close(): Promise<void> {
    this.#inFlight.giveUpAll()
    this.#closing.abort()
    await this.#ended
    await this.#pool.destroy()
  }

  /** Resolves when the last slot was fired, or on abort. */
  async #sendAll(): Promise<void> {
    const { signal } = this.#hooks
    const times = schedule(this.#options.rate, this.#options.seed)
    const done = Promise.withResolvers<void>()
    let next = times.next()
    let n = 0
    const dueAt = () => this.#startsAt + next.value! / 1_000
    const metronome = await startMetronome(() => {
      while (!next.done && !signal?.aborted && dueAt() <= now()) {
        this.#fire({ n: n++, intendedAt: dueAt() })
        next = times.next()
      }
      if (next.done || signal?.aborted) done.resolve()
      else metronome.arm(Math.max(dueAt(), now() + BEAT_MS))
    })
    const stop = () => done.resolve()
    signal?.addEventListener('abort', stop)
    this.#startsAt = this.#meter.startsAt = now() + LEAD_MS
    metronome.arm(this.#startsAt)
    try {
      await done.promise
    } finally {
      signal?.removeEventListener('abort', stop)
      await metronome.stop()
    }
  }

  /** Sends the order of a slot, or drops the slot when too many are unanswered: it is never sent later instead. */
  #fire(slot: Slot): void {
    const { maxInFlight, keyPrefix } = this.#options
    const isDropped = this.#inFlight.size >= maxInFlight
    this.#meter.offered(slot.intendedAt, now(), isDropped)
    if (isDropped) return
    const key = keyPrefix === undefined ? undefined : `${keyPrefix}-${slot.n}`
    const headers = {
      'content-type': 'application/json',
      ...(key !== undefined && { 'idempotency-key': key }),
    }
    const firedAt = now()
    const body = bodyOf(slot.n)
    this.#inFlight.post({ headers, body }, (answer) => {
      this.#hooks.onRecord?.(this.#recordOf(slot.n, answer, { firedAt, key }))
      this.#answered(slot, answer)
    })
  }

  #answered({ intendedAt }: Slot, answer: Answer): void {
    const { outcome, endedAt, order } = answer
    this.#meter.answered(intendedAt, answer)
    if (outcome === 'ok') this.#lastOkAt = endedAt
    if (!order) return
    if (isTerminal(order.status)) {
      this.#completed({ intendedAt, status: order.status, seenAt: endedAt, isLookedUp: false })
    } else if (this.#options.completion === 'stream') {
      this.#completions.expect(order.order_id, { intendedAt })
    }
  }

  #completed(order: CompletedOrder): void {
    this.#lastCompletedAt = Math.max(this.#lastCompletedAt, order.seenAt)
    this.#meter.completed(order)
  }

  #recordOf(
    n: number,
    { outcome, status, order, endedAt }: Answer,
    { firedAt, key }: { firedAt: number; key: string | undefined },
  ): HistoryRecord {
    const order_id = order?.order_id ?? (key && orderIdForKey(key))
    return {
      n,
      outcome,
      ...oneByOne(n),
      ...(status !== undefined && { status }),
      ...(order_id !== undefined && { order_id }),
      ...(order && { told: order.status }),
      ...(key !== undefined && { idempotency_key: key }),
      sent_ms: firedAt - this.#startsAt,
      done_ms: endedAt - this.#startsAt,
    }
  }

  /** Awaits the answers, then the completions, each for a bounded time; an abort ends both. */
  async #drain(): Promise<void> {
    const { drainMs, timeoutMs, completion } = this.#options
    const isAborted = () => this.#hooks.signal?.aborted ?? false
    const until = async (isDone: () => boolean, deadline: number) => {
      while (!isDone() && now() < deadline && !isAborted()) await sleep(DRAIN_LOOK_MS)
    }
    await until(() => this.#inFlight.size === 0, now() + 2 * timeoutMs)
    this.#inFlight.giveUpAll()
    if (completion === 'response') return
    await until(() => this.#completions.awaiting === 0, now() + drainMs)
    // What the stream did not show is asked for once; it may have been cut off without a word.
    if (!isAborted()) await this.#lookUp()
  }

  /** Reads what is still open order by order. Bounded, for a service that hangs must not hold up the end; never rejects. */
  async #lookUp(): Promise<void> {
    const signals = [
      this.#closing.signal,
      AbortSignal.timeout(LOOK_UPS_MS),
      ...(this.#hooks.signal ? [this.#hooks.signal] : []),
    ]
    const orders = openServiceClient(this.#options.url, { signal: AbortSignal.any(signals) })
    await pLimit(16).map(this.#completions.openIds(), async (order_id) => {
      // What is not answered is still open as far as we know: the stream or the last look will tell.
      const answer = await orders.get(`/orders/${order_id}`, { timeoutMs: LOOK_UP_MS }).catch(() => undefined)
      const order = Order.safeParse(answer?.body).data
      if (order) this.#completions.observe(order.order_id, order.status, now(), true)
    })
    await orders.close()
  }

  #snapshot(): Snapshot {
    return {
      began_at: this.#startsAt,
      elapsed_ms: Math.max(0, now() - this.#startsAt),
      is_draining: this.#isDraining,
      counts: { ...this.#meter.counts },
      awaiting_completion: this.#completions.awaiting,
    }
  }

  /** `sentAt`: when the last slot was fired. */
  #summary(sentAt: number, delayUs: number): OpenLoopResult {
    const { rate, seed, intervalMs } = this.#options
    const { counts, lateness, response, service, completion } = this.#meter
    const wasAborted = this.#hooks.signal?.aborted ?? false
    /** A plan that was kept lasts as long as it says; one that was not lasts longer, and that lowers its rates. */
    const perSecond = (count: number, until: number) => {
      const seconds = Math.max(wasAborted ? 0 : rate.seconds, (until - this.#startsAt) / 1_000)
      return seconds <= 0 ? 0 : count / seconds
    }
    const figures = {
      is_complete: !wasAborted,
      counts,
      offered_per_second: perSecond(counts.offered, wasAborted ? sentAt : 0),
      achieved_per_second: perSecond(counts.sent, sentAt),
      generator: { lateness: lateness.toJSON(), event_loop_delay_us: delayUs },
    }
    return {
      ...figures,
      rate,
      seed,
      ok_per_second: perSecond(counts.ok, this.#lastOkAt),
      completed_per_second: perSecond(counts.completed, this.#lastCompletedAt),
      response: serialized(response),
      service: serialized(service),
      completion: serialized(completion),
      not_completed: this.#completions.awaiting,
      interval_ms: intervalMs,
      intervals: this.#meter.intervals(),
      verdict: judgeGenerator(figures),
    }
  }
}

const LOOK_UP_MS = 5_000
const LOOK_UPS_MS = 30_000
/** Of the timers that watch the generator's own event loop. */
const RESOLUTION_MS = 10
