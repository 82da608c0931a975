import { z } from 'zod'
import { isSupported, rankOf } from './percentile.ts'

/**
 * A histogram as it travels between processes and into `results.json`. `buckets` alternates the distance to the next
 * bucket and its count, so a million samples are some thousand small numbers.
 */
export const SerializedHistogram = z
  .strictObject({
    unit: z.literal('us'),
    count: z.int().min(0),
    clock_skew: z.int().min(0),
    sum: z.number().min(0),
    min: z.number().min(0),
    max: z.number().min(0),
    buckets: z.array(z.int().min(0)),
  })
  .refine(({ buckets }) => buckets.length % 2 === 0, 'buckets come in pairs')
  .refine(
    ({ buckets, count }) => buckets.reduce((sum, n, i) => sum + (i % 2 === 1 ? n : 0), 0) === count,
    'the counts of the buckets do not add up to count',
  )
export type SerializedHistogram = z.infer<typeof SerializedHistogram>

export interface CurvePoint {
  /** Share of the samples at or below `us`. */
  p: number
  us: number
  /** How many samples lie above. */
  above: number
}

/**
 * Latencies in microseconds, whole run, no sampling and no decay: HDR buckets of three significant digits from 1 µs up,
 * so a percentile is at most 0.1 % above the sample it stands for. Histograms merge without loss.
 *
 * The buckets are our own because Node's `createHistogram` cannot leave its process: it lists percentiles, not
 * buckets, and `v8.serialize` refuses it. Layout after HdrHistogram (Gil Tene, public domain).
 */
export class Histogram {
  readonly #buckets = new Map<number, number>()
  #count = 0
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
    const index = bucketOf(value)
    this.#buckets.set(index, (this.#buckets.get(index) ?? 0) + 1)
    this.#count++
    this.#sum += value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  get count(): number {
    return this.#count
  }

  /** How many samples were zero or negative. */
  get clockSkew(): number {
    return this.#clockSkew
  }

  get min(): number | undefined {
    return this.#count === 0 ? undefined : this.#min
  }

  get max(): number | undefined {
    return this.#count === 0 ? undefined : this.#max
  }

  get mean(): number | undefined {
    return this.#count === 0 ? undefined : this.#sum / this.#count
  }

  /** The value that a share `p` (0 to 1) of the samples does not exceed; undefined unless ten samples lie above it. */
  percentile(p: number): number | undefined {
    return isSupported(this.#count, p) ? this.nearestRank(p) : undefined
  }

  /** The sample at the percentile, however few there are; undefined without any. */
  nearestRank(p: number): number | undefined {
    return this.#count === 0 ? undefined : this.#at([p])[0]!.us
  }

  /** The percentiles that the samples support, of the ones asked for, in ascending order. */
  curve(shares: readonly number[] = HDR_SHARES): CurvePoint[] {
    return this.#at(shares.filter((p) => isSupported(this.#count, p)).sort((a, b) => a - b))
  }

  /** `shares` in ascending order, of a histogram that is not empty. */
  #at(shares: readonly number[]): CurvePoint[] {
    const sorted = this.#sorted()
    const points: CurvePoint[] = []
    let at = -1
    let below = 0
    for (const p of shares) {
      const rank = rankOf(this.#count, p)
      while (below < rank) below += sorted[++at]![1]
      const us = Math.min(topOf(sorted[at]![0]), this.#max)
      points.push({ p, us, above: this.#count - below })
    }
    return points
  }

  /** Adds the samples of another histogram to this one. */
  add(other: Histogram): this {
    for (const [index, count] of other.#buckets) {
      this.#buckets.set(index, (this.#buckets.get(index) ?? 0) + count)
    }
    this.#count += other.#count
    this.#clockSkew += other.#clockSkew
    this.#sum += other.#sum
    this.#min = Math.min(this.#min, other.#min)
    this.#max = Math.max(this.#max, other.#max)
    return this
  }

  toJSON(): SerializedHistogram {
    let last = 0
    const buckets = this.#sorted().flatMap(([index, count]) => {
      const gap = index - last
      last = index
      return [gap, count]
    })
    return {
      unit: 'us',
      count: this.#count,
      clock_skew: this.#clockSkew,
      sum: this.#sum,
      min: this.min ?? 0,
      max: this.#max,
      buckets,
    }
  }

  /** Reads what `toJSON` wrote, from wherever it comes; throws an error that names what is wrong with it. */
  static from(serialized: unknown): Histogram {
    const { buckets, count, clock_skew, sum, min, max } = SerializedHistogram.parse(serialized)
    const histogram = new Histogram()
    let index = 0
    for (let at = 0; at < buckets.length; at += 2) {
      index += buckets[at]!
      histogram.#buckets.set(index, buckets[at + 1]!)
    }
    histogram.#count = count
    histogram.#clockSkew = clock_skew
    histogram.#sum = sum
    histogram.#min = count === 0 ? Infinity : min
    histogram.#max = max
    return histogram
  }

  #sorted(): [index: number, count: number][] {
    return [...this.#buckets].sort(([a], [b]) => a - b)
  }
}

/**
 * Five points in each halving of the distance to 100 %, as HDR charts draw them, and those that people ask for by name,
 * so that a curve reaches as far as its samples do.
 */
const HDR_SHARES = [
  ...Array.from({ length: 5 * 24 }, (_, i) => 1 - (1 - (i % 5) / 10) * 2 ** -Math.floor(i / 5)),
  0.75,
  0.95,
  0.99,
  0.999,
  0.9999,
  0.99999,
]

/** 1,024 buckets in each doubling; below 2,048 each whole number has its own. */
const PER_DOUBLING = 1_024

function bucketOf(value: number): number {
  if (value < 2 * PER_DOUBLING) return value
  const shift = exponentOf(value) - 10
  return shift * PER_DOUBLING + Math.floor(value / 2 ** shift)
}

function topOf(index: number): number {
  if (index < 2 * PER_DOUBLING) return index
  const shift = Math.floor(index / PER_DOUBLING) - 1
  return (index - shift * PER_DOUBLING + 1) * 2 ** shift - 1
}

/** The whole part of log2, exact where `Math.log2` rounds up just below a power of two. */
const exponentOf = (value: number): number =>
  value < 2 ** 32 ? 31 - Math.clz32(value) : 63 - Math.clz32(Math.floor(value / 2 ** 32))
