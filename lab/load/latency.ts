import { Histogram } from './histogram.ts'
import { percentile } from './percentile.ts'

/** Figures of one set of latencies, in microseconds. A percentile the samples do not support is absent. */
export interface LatencySummary {
  count: number
  mean_us?: number
  p50_us?: number
  p95_us?: number
  p99_us?: number
  max_us?: number
}

/** Summarises raw samples in microseconds. Samples of different outcomes do not belong in one summary. */
export function summarize(samplesUs: readonly number[]): LatencySummary {
  const sorted = samplesUs.toSorted((a, b) => a - b)
  const count = sorted.length
  const mean = count === 0 ? undefined : sorted.reduce((sum, us) => sum + us, 0) / count
  return present({
    count,
    mean_us: mean === undefined ? undefined : Math.round(mean),
    p50_us: percentile(sorted, 0.5),
    p95_us: percentile(sorted, 0.95),
    p99_us: percentile(sorted, 0.99),
    max_us: sorted.at(-1),
  })
}

/** The same samples as a chart and a later reader want them. */
export function histogramOf(samplesUs: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const us of samplesUs) histogram.record(us)
  return histogram
}

export const LATENCY_COLUMNS = ['n', 'mean ms', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms']

/** The cells under `LATENCY_COLUMNS`; a figure that is not supported says how many samples there were. */
export function latencyCells({ count, ...figures }: LatencySummary): (string | number)[] {
  const cell = (us: number | undefined) => (us === undefined ? `n/a (n=${count})` : milliseconds(us))
  return [
    count,
    ...[figures.mean_us, figures.p50_us, figures.p95_us, figures.p99_us, figures.max_us].map(cell),
  ]
}

/** Microseconds as milliseconds with three significant places below ten. */
export function milliseconds(us: number): string {
  const ms = us / 1_000
  if (ms < 10) return ms.toFixed(2)
  return ms < 100 ? ms.toFixed(1) : ms.toFixed(0)
}

function present(
  summary: { [Key in keyof LatencySummary]-?: LatencySummary[Key] | undefined },
): LatencySummary {
  return Object.fromEntries(
    Object.entries(summary).filter(([, value]) => value !== undefined),
  ) as unknown as LatencySummary
}
