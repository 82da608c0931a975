import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram as Hdr,
} from 'hdr-histogram-js'
import { z } from 'zod'
import { formatNumber, measured } from '../report/number.ts'

/**
 * A percentile is answered only when at least ten samples lie above it, n >= 10 / (1 - p). Below that it is the maximum,
 * or close to it, under another name: `describeRank` says which sample it is.
 */
export const isSupported = (count: number, p: number): boolean =>
  count > 0 && count * (1 - p) >= 10 - ROUNDING

/** `1 - p` is not exact in binary: without this, 100 samples would not do for p90. */
const ROUNDING = 1e-9

/** Which of `count` samples in ascending order stands for percentile `p`, from 1. */
export const rankOf = (count: number, p: number): number => Math.max(1, Math.ceil(count * p - ROUNDING))

/** The sample at the percentile, however few there are: of 20 samples p99 is the highest. Undefined without any. */
export const nearestRank = (sorted: readonly number[], p: number): number | undefined =>
  sorted[rankOf(sorted.length, p) - 1]

/** What a sample is that few others support: `highest of 20`, `2nd highest of 20`. */
export function describeRank(count: number, p: number): string {
  const fromTop = count - rankOf(count, p) + 1
  return `${fromTop === 1 ? '' : `${ordinal(fromTop)} `}highest of ${formatNumber(count)}`
}

const SUFFIXES: Partial<Record<Intl.LDMLPluralRule, string>> = { one: 'st', two: 'nd', few: 'rd' }
const RULES = new Intl.PluralRules('en', { type: 'ordinal' })
const ordinal = (rank: number): string => `${formatNumber(rank)}${SUFFIXES[RULES.select(rank)] ?? 'th'}`

/** A histogram as it travels between processes and into `results.json`; `hdr` is HdrHistogram's own compressed form. */
export const SerializedHistogram = z.strictObject({
  unit: z.literal('us'),
  count: z.int().min(0),
  clock_skew: z.int().min(0),
  sum: z.number().min(0),
  min: z.number().min(0),
  max: z.number().min(0),
  hdr: z.base64(),
})
export type SerializedHistogram = z.infer<typeof SerializedHistogram>

/**
 * Latencies in microseconds, whole run, no sampling and no decay: an HdrHistogram of three significant digits from 1 µs up,
 * so a percentile is at most 0.1 % above the sample it stands for. Histograms merge without loss.
 */
export class Histogram {
  /** Most are of short stretches or stay empty: the counts are made with the first sample. */
  #hdr: Hdr | undefined
  #clockSkew = 0
  #sum = 0
  #min = Infinity
  #max = 0

  /**
   * Records a latency in microseconds. Zero or less means that two clocks disagree, or one is too coarse: it counts as
   * 1 µs and as `clockSkew`, because leaving fast samples out would make everything look slower.
   */
  record(us: number): void {
    if (!Number.isFinite(us)) throw new TypeError(`a latency of ${us} µs cannot be recorded`)
    if (us <= 0) this.#clockSkew++
    const value = Math.max(1, Math.round(us))
    this.#hdr ??= open()
    this.#hdr.recordValue(value)
    this.#sum += value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  get count(): number {
    return this.#hdr?.totalCount ?? 0
  }

  /** How many samples were zero or negative. */
  get clockSkew(): number {
    return this.#clockSkew
  }

  get min(): number | undefined {
    return this.count === 0 ? undefined : this.#min
  }

  get max(): number | undefined {
    return this.count === 0 ? undefined : this.#max
  }

  get mean(): number | undefined {
    return this.count === 0 ? undefined : this.#sum / this.count
  }

  /** The value that a share `p` (0 to 1) of the samples does not exceed; undefined unless ten samples lie above it. */
  percentile(p: number): number | undefined {
    return isSupported(this.count, p) ? this.nearestRank(p) : undefined
  }

  /** The sample at the percentile, however few there are; undefined without any. */
  nearestRank(p: number): number | undefined {
    if (!this.#hdr) return undefined
    // HdrHistogram rounds to the nearest rank where ours is the next one.
    const us = this.#hdr.getValueAtPercentile((100 * rankOf(this.count, p)) / this.count)
    return Math.min(us, this.#max)
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
    this.#clockSkew += other.#clockSkew
    this.#sum += other.#sum
    this.#min = Math.min(this.#min, other.#min)
    this.#max = Math.max(this.#max, other.#max)
    return this
  }

  toJSON(): SerializedHistogram {
    return {
      unit: 'us',
      count: this.count,
      clock_skew: this.#clockSkew,
      sum: this.#sum,
      min: this.min ?? 0,
      max: this.#max,
      hdr: this.#hdr ? encodeIntoCompressedBase64(this.#hdr) : '',
    }
  }

  /** Reads what `toJSON` wrote, from wherever it comes; throws an error that names what is wrong with it. */
  static from(serialized: unknown): Histogram {
    const { hdr, count, clock_skew, sum, min, max } = SerializedHistogram.parse(serialized)
    const histogram = new Histogram()
    if (hdr !== '') histogram.#hdr = decode(hdr)
    if (histogram.count !== count)
      throw new Error(`count: it is ${count}, but hdr holds ${histogram.count} samples`)
    histogram.#clockSkew = clock_skew
    histogram.#sum = sum
    histogram.#min = count === 0 ? Infinity : min
    histogram.#max = max
    return histogram
  }
}

const LAYOUT = { bitBucketSize: 64, numberOfSignificantValueDigits: 3, autoResize: true } as const
const open = (): Hdr => build({ ...LAYOUT, lowestDiscernibleValue: 1, highestTrackableValue: 2 })

function decode(hdr: string): Hdr {
  try {
    return decodeFromCompressedBase64(hdr, 64)
  } catch (err) {
    throw new Error(`hdr: not a histogram in HdrHistogram's form: ${(err as Error).message}`, { cause: err })
  }
}

/**
 * Five points in each halving of the distance to 100 %, as HDR charts draw them, and those that people ask for by name,
 * so that a curve reaches as far as its samples do.
 */
const HDR_SHARES = [
  ...Array.from({ length: 5 * 24 }, (_, i) => 1 - (1 - (i % 5) / 10) * 2 ** -Math.floor(i / 5)),
  ...[0.75, 0.95, 0.99, 0.999, 0.9999, 0.99999],
].sort((a, b) => a - b)

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
  const of = (isIt: boolean) => {
    const names = PERCENTILES.filter((name) => isSupported(count, SHARES[name]) === isIt)
    return Object.fromEntries(names.map((name) => [name, at(SHARES[name])]))
  }
  const few = of(false)
  return { ...of(true), ...(Object.keys(few).length > 0 && { few_samples: few }) }
}

/** The same samples as a chart and a later reader want them. */
export function histogramOf(samplesUs: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const us of samplesUs) histogram.record(us)
  return histogram
}

/** Several histograms as one: every sample of all repetitions. */
export const merged = (histograms: SerializedHistogram[]): Histogram =>
  histograms.reduce((sum, each) => sum.add(Histogram.from(each)), new Histogram())

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
