import type { ClientOutcome } from '../ledger/history.ts'
import type { CompletedOrder } from './completions.ts'
import type { Answer } from './exchange.ts'
import { Histogram, isSupported } from './histogram.ts'
import type { Rate } from './schedule.ts'

/** What became of the slots of a run. Figures of orders that ended differently are never mixed. */
export interface Counts {
  /** Slots that were due. */
  offered: number
  sent: number
  /** Slots given up because too many orders were unanswered. */
  dropped: number
  ok: number
  rejected: number
  failed: number
  unknown: number
  /** Orders seen `reserved` or `notified`. */
  completed: number
  /** Orders seen `failed`. */
  completed_failed: number
  /** Completions seen by asking after the stream had broken: their latency is an upper bound. */
  looked_up: number
}

/** A stretch of the run: orders *intended* in it, whenever their answers came. */
export interface Interval extends Counts {
  /** Milliseconds since the start. */
  at_ms: number
  /** Orders that were answered `ok`, and seen reserved, in it, whenever they were intended. */
  accepted: number
  done: number
  /** Latency from the intended time of orders answered `ok`, as a serialised histogram. */
  response_ok: string
  /** Latency from the intended time of orders seen reserved. */
  completion: string
}

/** A live view, for progress. */
export interface Snapshot {
  /** When the load began, or will, by `now` of metronome.ts: the machine's monotonic clock, the same in every process. */
  began_at: number
  elapsed_ms: number
  /** Every order has been sent. */
  is_draining: boolean
  counts: Counts
  /** Accepted orders without a terminal status yet, as the client sees it. It is no queue depth. */
  awaiting_completion: number
}

export interface OpenLoopResult {
  /** False when the run was stopped before its time. */
  is_complete: boolean
  rate: Rate
  seed: number
  counts: Counts
  /** Slots per second of the plan. */
  offered_per_second: number
  /** Orders the generator sent per second; less than offered when it fell behind. */
  achieved_per_second: number
  /** Orders answered `ok`, and seen reserved, per second until the last of them: what the services kept up with. */
  ok_per_second: number
  completed_per_second: number
  /** Serialised histograms. From the intended time: what somebody who wanted an order at that moment waited. */
  response: Record<ClientOutcome, string>
  /** From the moment the order went out: what the service took, without the wait before. */
  service: Record<ClientOutcome, string>
  /** From the intended time to the sight of a terminal status. */
  completion: Record<'reserved' | 'failed', string>
  /** Orders that were accepted and showed no terminal status in time. */
  not_completed: number
  generator: {
    /** From the intended time to the moment the generator acted on it. */
    lateness: string
    /** How late timers of its own event loop were, p99. */
    event_loop_delay_us: number
  }
  interval_ms: number
  intervals: Interval[]
  /** Whether the generator kept its schedule. If not, no figure of this run may be published. */
  verdict: { kept_up: boolean; reasons: string[] }
}

/** Where a run becomes invalid. A drop in a thousand already owns p99.9; 50 ms is far above a service's own latencies here. */
const LIMITS = {
  /** Slots dropped because too many orders were unanswered. The samples that are missing are the slowest ones. */
  droppedShare: 0.001,
  /** Sent per second of what was offered per second. */
  achievedShare: 0.98,
  /** How late the generator itself was, p99: time that its own process, not the service, added to latencies. */
  latenessP99Ms: 50,
  /** The generator's event loop delay, p99: answers are seen this much late. */
  eventLoopDelayP99Ms: 50,
}

type Figures = Pick<
  OpenLoopResult,
  'is_complete' | 'counts' | 'offered_per_second' | 'achieved_per_second' | 'generator'
>

/** Whether the generator offered what the plan says, when it says so. */
export function judgeGenerator(figures: Figures): OpenLoopResult['verdict'] {
  const { counts, offered_per_second: offered, achieved_per_second: achieved, generator } = figures
  const { droppedShare, achievedShare, latenessP99Ms, eventLoopDelayP99Ms } = LIMITS
  const late = upperEnd(Histogram.from(generator.lateness))
  const delayMs = generator.event_loop_delay_us / 1_000
  const reasons = [
    !figures.is_complete && 'the run was stopped before its time',
    counts.sent === 0 && 'no order was sent',
    counts.dropped > counts.offered * droppedShare &&
      `${counts.dropped} of ${counts.offered} slots were dropped (${percent(counts.dropped / counts.offered)}, limit ${percent(droppedShare)})`,
    achieved < offered * achievedShare &&
      `${achieved.toFixed(1)} orders/s were sent where ${offered.toFixed(1)} were offered (limit ${percent(achievedShare)})`,
    late.ms > latenessP99Ms &&
      `orders went out ${late.ms.toFixed(1)} ms late (${late.name}, limit ${latenessP99Ms} ms)`,
    delayMs > eventLoopDelayP99Ms &&
      `the generator's event loop was ${delayMs.toFixed(1)} ms late (p99, limit ${eventLoopDelayP99Ms} ms)`,
  ].filter((reason) => reason !== false)
  return { kept_up: reasons.length === 0, reasons }
}

/** The p99, or the highest percentile a short run supports: one late order in twenty does not condemn it. */
function upperEnd(histogram: Histogram): { ms: number; name: string } {
  const p = [0.99, 0.9, 0.5].find((p) => isSupported(histogram.count, p))
  const us = (p === undefined ? histogram.max : histogram.percentile(p)) ?? 0
  return { ms: us / 1_000, name: p === undefined ? 'at most' : `p${p * 100}` }
}

const percent = (share: number) => `${(share * 100).toFixed(share < 0.01 ? 2 : 1)} %`

type ByOutcome = Record<ClientOutcome, Histogram>

interface Row {
  counts: Counts
  accepted: number
  done: number
  responseOk: Histogram
  completion: Histogram
}

/** Everything that is counted, in whole and by interval since the beginning. */
export class Meter {
  /** When the load begins: intervals are counted from here. */
  startsAt = 0
  readonly counts = noCounts()
  readonly response = byOutcome()
  readonly service = byOutcome()
  readonly completion = { reserved: new Histogram(), failed: new Histogram() }
  readonly lateness = new Histogram()
  readonly #rows: Row[] = []
  readonly #intervalMs: number

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** A slot was due, and the generator comes to it now. */
  offered(intendedAt: number, at: number, isDropped: boolean): void {
    this.#count(intendedAt, 'offered')
    this.#count(intendedAt, isDropped ? 'dropped' : 'sent')
    this.lateness.record((at - intendedAt) * 1_000)
  }

  answered(intendedAt: number, { outcome, startedAt, endedAt }: Answer): void {
    this.#count(intendedAt, outcome)
    const responseUs = (endedAt - intendedAt) * 1_000
    this.response[outcome].record(responseUs)
    if (startedAt !== undefined) this.service[outcome].record((endedAt - startedAt) * 1_000)
    if (outcome !== 'ok') return
    this.#row(intendedAt).responseOk.record(responseUs)
    this.#row(endedAt).accepted++
  }

  completed({ intendedAt, seenAt, status, isLookedUp }: CompletedOrder): void {
    const isReserved = status !== 'failed'
    const us = (seenAt - intendedAt) * 1_000
    this.#count(intendedAt, isReserved ? 'completed' : 'completed_failed')
    if (isLookedUp) this.#count(intendedAt, 'looked_up')
    this.completion[isReserved ? 'reserved' : 'failed'].record(us)
    if (!isReserved) return
    this.#row(intendedAt).completion.record(us)
    this.#row(seenAt).done++
  }

  intervals(): Interval[] {
    return this.#rows.map(({ counts, accepted, done, responseOk, completion }, i) => ({
      at_ms: i * this.#intervalMs,
      ...counts,
      accepted,
      done,
      response_ok: responseOk.toJSON(),
      completion: completion.toJSON(),
    }))
  }

  #count(intendedAt: number, what: keyof Counts): void {
    this.counts[what]++
    this.#row(intendedAt).counts[what]++
  }

  /** The interval of a moment. Intended times are whole microseconds, which a sum of times in milliseconds can fall short of. */
  #row(at: number): Row {
    const interval = Math.floor((at - this.startsAt + 0.000_5) / this.#intervalMs)
    while (this.#rows.length <= interval) {
      const histograms = { responseOk: new Histogram(), completion: new Histogram() }
      this.#rows.push({ counts: noCounts(), accepted: 0, done: 0, ...histograms })
    }
    return this.#rows[interval]!
  }
}

/** Each histogram of a record as it is written down. */
export const serialized = <Key extends string>(histograms: Record<Key, Histogram>) =>
  Object.fromEntries(
    Object.entries<Histogram>(histograms).map(([name, histogram]) => [name, histogram.toJSON()]),
  ) as Record<Key, string>

const byOutcome = (): ByOutcome => ({
  ok: new Histogram(),
  rejected: new Histogram(),
  failed: new Histogram(),
  unknown: new Histogram(),
})

export const noCounts = (): Counts => ({
  offered: 0,
  sent: 0,
  dropped: 0,
  ok: 0,
  rejected: 0,
  failed: 0,
  unknown: 0,
  completed: 0,
  completed_failed: 0,
  looked_up: 0,
})
