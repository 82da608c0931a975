import type { ClientOutcome } from '../ledger/history.ts'
import type { CompletedOrder } from './completions.ts'
import type { Answer } from './exchange.ts'
import { Histogram } from './histogram.ts'
import type { Counts, Interval } from './result.ts'

type ByOutcome = Record<ClientOutcome, Histogram>

interface Row {
  counts: Counts
  responseOk: Histogram
  completion: Histogram
}

/** Everything that is counted, in whole and by interval of the intended time. */
export class Meter {
  readonly counts = noCounts()
  readonly response = byOutcome()
  readonly service = byOutcome()
  readonly completion = { reserved: new Histogram(), failed: new Histogram() }
  readonly lateness = new Histogram()
  readonly #rows: Row[] = []

  /** A slot was due. `latenessMs` is how late the generator came to it. */
  offered(interval: number, latenessMs: number, isDropped: boolean): void {
    this.#count(interval, 'offered')
    this.#count(interval, isDropped ? 'dropped' : 'sent')
    // Punctual to the microsecond is no clock skew.
    this.lateness.record(Math.max(1, latenessMs * 1_000))
  }

  answered(interval: number, intendedAt: number, { outcome, startedAt, endedAt }: Answer): void {
    this.#count(interval, outcome)
    const responseUs = (endedAt - intendedAt) * 1_000
    this.response[outcome].record(responseUs)
    if (startedAt !== undefined) this.service[outcome].record((endedAt - startedAt) * 1_000)
    if (outcome === 'ok') this.#row(interval).responseOk.record(responseUs)
  }

  completed({ interval, intendedAt, seenAt, status, isLookedUp }: CompletedOrder): void {
    const isReserved = status !== 'failed'
    const us = (seenAt - intendedAt) * 1_000
    this.#count(interval, isReserved ? 'completed' : 'completed_failed')
    if (isLookedUp) this.#count(interval, 'looked_up')
    this.completion[isReserved ? 'reserved' : 'failed'].record(us)
    if (isReserved) this.#row(interval).completion.record(us)
  }

  intervals(intervalMs: number): Interval[] {
    return this.#rows.map(({ counts, responseOk, completion }, i) => ({
      at_ms: i * intervalMs,
      ...counts,
      response_ok: responseOk.toJSON(),
      completion: completion.toJSON(),
    }))
  }

  #count(interval: number, what: keyof Counts): void {
    this.counts[what]++
    this.#row(interval).counts[what]++
  }

  #row(interval: number): Row {
    while (this.#rows.length <= interval) {
      this.#rows.push({ counts: noCounts(), responseOk: new Histogram(), completion: new Histogram() })
    }
    return this.#rows[interval]!
  }
}

/** Each histogram of a record as it is written down. */
export const serialized = <Key extends string>(histograms: Record<Key, Histogram>) =>
  Object.fromEntries(
    Object.entries<Histogram>(histograms).map(([name, histogram]) => [name, histogram.toJSON()]),
  ) as Record<Key, ReturnType<Histogram['toJSON']>>

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
