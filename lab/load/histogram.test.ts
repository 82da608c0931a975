import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Histogram } from './histogram.ts'
import { percentile } from './percentile.ts'

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
          const exact = percentile(
            samples.toSorted((a, b) => a - b),
            p,
          )
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

        expect(merged.toJSON()).toEqual(filled([...a, ...b]).toJSON())
      }),
    )
  })

  test('draws its curve up to the last supported percentile, and says how many samples lie above each point', () => {
    const curve = filled(oneTo(1_000)).curve()

    expect(curve.at(0)).toEqual({ p: 0, us: 1, above: 999 })
    expect(curve.every(({ above }) => above >= 10)).toBe(true)
    expect(curve.at(-1)!.p).toBeGreaterThan(0.98)
    expect(filled([]).curve()).toEqual([])
  })

  test.each([
    { why: 'counts that do not add up', change: { count: 4 }, says: 'add up' },
    { why: 'an odd number of buckets', change: { buckets: [1] }, says: 'pairs' },
    { why: 'another unit', change: { unit: 'ms' }, says: 'unit' },
    { why: 'a negative count', change: { count: -1 }, says: 'count' },
  ])('refuses a serialised histogram with $why', ({ change, says }) => {
    const good = filled([1, 2, 3]).toJSON()

    expect(() => Histogram.from({ ...good, ...change })).toThrow(says)
  })
})
