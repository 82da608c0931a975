import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram as Hdr,
} from 'hdr-histogram-js'
import { formatNumber, measured } from '../report/number.ts'

/**
 * A percentile is answered only when at least ten samples lie above it, n >= 10 / (1 - p). Below that it is the maximum,
 * or close to it, under another name: `percentileCell` says which sample it is.
 */
export const isSupported = (count: number, p: number): boolean =>
  count > 0 && count * (1 - p) >= 10 - ROUNDING

/** `1 - p` is not exact in binary: without this, 100 samples would not do for p90. */
const ROUNDING = 1e-9

/** Which of `count` samples in ascending order stands for percentile `p`, from 1. */
const rankOf = (count: number, p: number): number => Math.max(1, Math.ceil(count * p - ROUNDING))

/**
 * Latencies in microseconds, whole run, no sampling and no decay: an HdrHistogram of three significant digits from 1 µs up,
 * so a figure is at most 0.1 % above the sample it stands for. Histograms merge without loss.
 */
export class Histogram {
  /** Most are of short stretches or stay empty: the counts are made with the first sample. */
  #hdr: Hdr | undefined

  /** In microseconds. Less than 1 µs counts as that: leaving fast samples out would make everything look slower. */
  record(us: number): void {
    if (!Number.isFinite(us)) throw new TypeError(`a latency of ${us} µs cannot be recorded`)
    this.#hdr ??= open()
    this.#hdr.recordValue(Math.max(1, Math.round(us)))
  }

  get count(): number {
    return this.#hdr?.totalCount ?? 0
  }

  get mean(): number | undefined {
    return this.#hdr?.mean
  }

  get max(): number | undefined {
    return this.nearestRank(1)
  }

  /** The value that a share `p` (0 to 1) of the samples does not exceed; undefined unless ten samples lie above it. */
  percentile(p: number): number | undefined {
    return isSupported(this.count, p) ? this.nearestRank(p) : undefined
  }

  /** The sample at the percentile, however few there are; undefined without any. */
  nearestRank(p: number): number | undefined {
    // HdrHistogram rounds to the nearest rank where ours is the next one.
    return this.#hdr?.getValueAtPercentile((100 * rankOf(this.count, p)) / this.count)
  }

  /** The percentiles that the samples support, in ascending order: `us` is what a share `p` of them does not exceed. */
  curve(): { p: number; us: number }[] {
    return HDR_SHARES.filter((p) => isSupported(this.count, p)).map((p) => ({ p, us: this.nearestRank(p)! }))
  }

  /** Adds the samples of another histogram to this one. */
  add(other: Histogram): this {
    if (!other.#hdr) return this
    this.#hdr ??= open()
    this.#hdr.add(other.#hdr)
    return this
  }

  /** HdrHistogram's own compressed form, as it travels between processes and into `results.json`; '' without samples. */
  toJSON(): string {
    return this.#hdr ? encodeIntoCompressedBase64(this.#hdr) : ''
  }

  /** Reads what `toJSON` wrote; throws when it is something else. */
  static from(serialized: string): Histogram {
    const histogram = new Histogram()
    if (serialized !== '') histogram.#hdr = decodeFromCompressedBase64(serialized, LAYOUT.bitBucketSize)
    return histogram
  }
}

const LAYOUT = { bitBucketSize: 64, numberOfSignificantValueDigits: 3, autoResize: true } as const
const open = (): Hdr => build({ ...LAYOUT, lowestDiscernibleValue: 1, highestTrackableValue: 2 })

/**
 * Five points in each halving of the distance to 100 %, as HDR charts draw them, and those that people ask for by name,
 * so that a curve reaches as far as its samples do.
 */
const HDR_SHARES = [
  ...Array.from({ length: 5 * 24 }, (_, i) => 1 - (1 - (i % 5) / 10) * 2 ** -Math.floor(i / 5)),
  ...[0.75, 0.95, 0.99, 0.999, 0.9999, 0.99999],
].sort((a, b) => a - b)

export function histogramOf(samplesUs: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const us of samplesUs) histogram.record(us)
  return histogram
}

/** Several histograms as one: every sample of all repetitions. */
export const merged = (serialized: string[]): Histogram =>
  serialized.reduce((sum, each) => sum.add(Histogram.from(each)), new Histogram())

const SHARES = { p50_us: 0.5, p95_us: 0.95, p99_us: 0.99 } as const

/** Figures of one set of latencies, in microseconds. A percentile is absent where fewer than ten samples lie above it. */
export interface LatencySummary extends Partial<Record<keyof typeof SHARES, number>> {
  count: number
  mean_us?: number
  max_us?: number
}

/** Samples of different outcomes do not belong in one summary. */
export function summarize(histogram: Histogram): LatencySummary {
  const { count, mean, max } = histogram
  if (mean === undefined || max === undefined) return { count }
  const percentiles = Object.entries(SHARES)
    .filter(([, share]) => isSupported(count, share))
    .map(([name, share]) => [name, histogram.nearestRank(share)])
  return { count, mean_us: Math.round(mean), ...Object.fromEntries(percentiles), max_us: max }
}

export const LATENCY_COLUMNS = ['n', 'mean ms', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms']

/** The cells under `LATENCY_COLUMNS`. */
export function latencyCells(histogram: Histogram): (string | number)[] {
  const { count, mean, max } = histogram
  const cell = (us: number | undefined) => (us === undefined ? NOT_MEASURED : milliseconds(us))
  const percentiles = Object.values(SHARES).map((share) => percentileCell(histogram, share))
  return [count, cell(mean), ...percentiles, cell(max)]
}

/** A percentile in milliseconds; where the samples do not support it, the sample it is: `5.02 (sample 19 of 20)`. */
export function percentileCell(histogram: Histogram, share: number): string {
  const { count } = histogram
  const us = histogram.nearestRank(share)
  if (us === undefined) return NOT_MEASURED
  const remark = ` (sample ${formatNumber(rankOf(count, share))} of ${formatNumber(count)})`
  return `${milliseconds(us)}${isSupported(count, share) ? '' : remark}`
}

/** Where there is no sample at all. */
const NOT_MEASURED = '–'

/** Microseconds as milliseconds, in the one format of figures. */
export const milliseconds = (us: number): string => measured(us / 1_000)
