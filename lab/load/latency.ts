import { measured } from '../report/number.ts'
import { Histogram } from './histogram.ts'
import { describeRank, isSupported, nearestRank } from './percentile.ts'

const SHARES = { p50_us: 0.5, p95_us: 0.95, p99_us: 0.99 } as const
type Percentile = keyof typeof SHARES
const PERCENTILES = Object.keys(SHARES) as Percentile[]

/** In microseconds. A percentile is absent where fewer than ten samples lie above it. */
export interface Percentiles extends Partial<Record<Percentile, number>> {
  /** The samples at the percentiles that are absent: of 20 samples p99 is the highest, and no more than that. */
  few_samples?: Partial<Record<Percentile, number>>
}

/** Figures of one set of latencies, in microseconds. */
export interface LatencySummary extends Percentiles {
  count: number
  mean_us?: number
  max_us?: number
}

/** Summarises raw samples in microseconds. Samples of different outcomes do not belong in one summary. */
export function summarize(samplesUs: readonly number[]): LatencySummary {
  const sorted = samplesUs.toSorted((a, b) => a - b)
  const count = sorted.length
  if (count === 0) return { count }
  const mean = sorted.reduce((sum, us) => sum + us, 0) / count
  const percentiles = percentilesOf(count, (share) => nearestRank(sorted, share)!)
  return { count, mean_us: Math.round(mean), ...percentiles, max_us: sorted.at(-1)! }
}

/** The percentiles of `count` samples, those that they support apart from the others; `at` answers the nearest rank. */
export function percentilesOf(count: number, at: (share: number) => number): Percentiles {
  if (count === 0) return {}
  const [supported, few] = [true, false].map((is) =>
    PERCENTILES.filter((name) => isSupported(count, SHARES[name]) === is).map((name) => [
      name,
      at(SHARES[name]),
    ]),
  )
  return {
    ...Object.fromEntries(supported!),
    ...(few!.length > 0 && { few_samples: Object.fromEntries(few!) }),
  }
}

/** The same samples as a chart and a later reader want them. */
export function histogramOf(samplesUs: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const us of samplesUs) histogram.record(us)
  return histogram
}

export const LATENCY_COLUMNS = ['n', 'mean ms', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms']

/** The cells under `LATENCY_COLUMNS`. */
export function latencyCells(summary: LatencySummary): (string | number)[] {
  const cell = (us: number | undefined) => (us === undefined ? NOT_MEASURED : milliseconds(us))
  const percentiles = PERCENTILES.map((name) => summaryCell(summary, name))
  return [summary.count, cell(summary.mean_us), ...percentiles, cell(summary.max_us)]
}

export const summaryCell = (summary: LatencySummary, name: Percentile): string =>
  percentileCell(summary.count, SHARES[name], summary[name] ?? summary.few_samples?.[name])

/** A percentile in milliseconds; where the samples do not support it, the sample it is: `5.02 (highest of 20)`. */
export function percentileCell(count: number, share: number, us: number | undefined): string {
  if (us === undefined) return NOT_MEASURED
  return isSupported(count, share) ? milliseconds(us) : `${milliseconds(us)} (${describeRank(count, share)})`
}

/** Where there is no sample at all. */
const NOT_MEASURED = '–'

/** Microseconds as milliseconds, in the one format of figures. */
export const milliseconds = (us: number): string => measured(us / 1_000)
