import type { ClientOutcome } from '../ledger/history.ts'
import type { CompletedOrder } from './completions.ts'
import type { Answer } from './exchange.ts'
import { Histogram } from './histogram.ts'
import type { Counts, Interval } from './result.ts'

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

const noCounts = (): Counts => ({
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
