import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  describeRank,
  Histogram,
  isSupported,
  LATENCY_COLUMNS,
  latencyCells,
  milliseconds,
  nearestRank,
  summarize,
} from './histogram.ts'

const filled = (samples: Iterable<number>) => {
  const histogram = new Histogram()
  for (const us of samples) histogram.record(us)
  return histogram
}

const oneTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

describe('latency histogram', () => {
  test.each([
    { p: 0.5, needs: 20 },
    { p: 0.9, needs: 100 },
    { p: 0.99, needs: 1_000 },
    { p: 0.999, needs: 10_000 },
  ])(
    'answers p$p from $needs samples on: the p99 of 20 samples is a maximum, not a percentile',
    ({ p, needs }) => {
      expect(filled(oneTo(needs)).percentile(p)).toBeGreaterThanOrEqual(needs * p)
      expect(filled(oneTo(needs - 1)).percentile(p)).toBeUndefined()
    },
  )

  test('keeps zero and negative latencies, and counts them as clock skew', () => {
    const histogram = filled([-5, 0, 0.4, 3])

    expect(histogram.count).toBe(4)
    expect(histogram.clockSkew).toBe(2)
    expect(histogram.min).toBe(1)
    expect(histogram.mean).toBe((1 + 1 + 1 + 3) / 4)
  })

  test('refuses what is not a number: a broken clock fails the run instead of vanishing in it', () => {
    expect(() => new Histogram().record(Number.NaN)).toThrow('NaN')
  })

  test('is within 0.1 % of the exact percentile, and never below it', () => {
    const latency = fc.integer({ min: 1, max: 2 ** 45 })
    fc.assert(
      fc.property(
        fc.array(latency, { minLength: 20, maxLength: 200 }),
        fc.constantFrom(0.1, 0.5, 0.9),
        (samples, p) => {
          const sorted = samples.toSorted((a, b) => a - b)
          const exact = isSupported(sorted.length, p) ? nearestRank(sorted, p) : undefined
          const answer = filled(samples).percentile(p)

          if (exact === undefined) expect(answer).toBeUndefined()
          else expect(answer! / exact).toBeGreaterThanOrEqual(1)
          if (exact !== undefined) expect(answer! / exact).toBeLessThanOrEqual(1.001)
        },
      ),
    )
  })

  test('merges without loss, and is the same after a journey through JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000_000)), fc.array(fc.nat(10_000_000)), (a, b) => {
        const merged = filled(a).add(Histogram.from(JSON.parse(JSON.stringify(filled(b)))))

        const whole = filled([...a, ...b])

        expect({ ...merged.toJSON(), hdr: '' }).toEqual({ ...whole.toJSON(), hdr: '' })
        for (const p of [0, 0.1, 0.5, 0.9, 1]) expect(merged.nearestRank(p)).toBe(whole.nearestRank(p))
      }),
    )
  })

  test('draws its curve up to the last percentile that ten samples lie above', () => {
    const curve = filled(oneTo(1_000)).curve()

    expect(curve.at(0)).toEqual({ p: 0, us: 1 })
    expect(curve.at(-1)!.us).toBeLessThanOrEqual(990)
    expect(curve.at(-1)!.p).toBeGreaterThan(0.98)
    expect(filled([]).curve()).toEqual([])
  })

  test.each([
    { why: 'counts that do not add up', change: { count: 4 }, says: 'hdr holds 3 samples' },
    { why: 'another unit', change: { unit: 'ms' }, says: 'unit' },
    { why: 'a negative count', change: { count: -1 }, says: 'count' },
    {
      why: 'something else in the place of its buckets',
      change: { hdr: 'aGFsbG8=' },
      says: "HdrHistogram's form",
    },
  ])('refuses a serialised histogram with $why', ({ change, says }) => {
    const good = filled([1, 2, 3]).toJSON()

    expect(() => Histogram.from({ ...good, ...change })).toThrow(says)
  })
})

const samples = (count: number) => Array.from({ length: count }, (_, i) => (i + 1) * 1_000)

describe('latency summary', () => {
  test('keeps the percentiles that 20 samples do not support apart', () => {
    expect(summarize(samples(20))).toEqual({
      count: 20,
      mean_us: 10_500,
      p50_us: 10_000,
      max_us: 20_000,
      few_samples: { p95_us: 19_000, p99_us: 20_000 },
    })
    expect(summarize(samples(1_000))).not.toHaveProperty('few_samples')
    expect(summarize([])).toEqual({ count: 0 })
  })

  test('keeps samples of zero: a fast answer is an answer', () => {
    expect(summarize([0, 0, 3]).mean_us).toBe(1)
    expect(summarize([0, 0, 3]).count).toBe(3)
  })

  test('does not need its samples in order, and leaves them as they were', () => {
    const unsorted = samples(30).reverse()

    expect(summarize(unsorted).p50_us).toBe(15_000)
    expect(unsorted[0]).toBe(30_000)
  })

  test('has one cell for each column, and says which sample it is where a percentile has too few', () => {
    const cells = latencyCells(summarize(samples(20)))

    expect(cells).toEqual([20, '10.5', '10.0', '19.0 (2nd highest of 20)', '20.0 (highest of 20)', '20.0'])
    expect(cells).toHaveLength(LATENCY_COLUMNS.length)
    expect(latencyCells(summarize([]))).toEqual([0, ...Array.from({ length: 5 }, () => '–')])
  })

  test('marks a percentile up to the number of samples that it needs, and not from there on', () => {
    const p99 = (count: number) => latencyCells(summarize(samples(count)))[4]

    expect(p99(999)).toBe('990 (10th highest of 999)')
    expect(p99(1_000)).toBe('990')
  })

  test.each([
    [1, '0.00'],
    [1_234, '1.23'],
    [12_345, '12.3'],
    [123_456, '123'],
  ])('%i us reads as %s ms', (us, text) => expect(milliseconds(us)).toBe(text))
})

describe('the rank of a percentile', () => {
  test('answers nothing without samples', () => {
    expect(nearestRank([], 0.5)).toBeUndefined()
  })

  test.each([
    [20, 0.99, 20, 'highest of 20'],
    [20, 0.95, 19, '2nd highest of 20'],
    [1, 0.5, 1, 'highest of 1'],
    [1_200, 0.999, 1_199, '2nd highest of 1,200'],
  ])('of %d samples stands at %d with the sample it is: %d, the %s', (count, p, sample, words) => {
    expect(nearestRank(oneTo(count), p)).toBe(sample)
    expect(describeRank(count, p)).toBe(words)
  })
})
