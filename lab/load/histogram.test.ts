import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  histogramOf as filled,
  Histogram,
  isSupported,
  LATENCY_COLUMNS,
  latencyCells,
  milliseconds,
  percentileCell,
  summarize,
} from './histogram.ts'

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

  test('keeps zero and negative latencies as the least there is', () => {
    const histogram = filled([-5, 0, 0.4, 3])

    expect(histogram.count).toBe(4)
    expect(histogram.nearestRank(0)).toBe(1)
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
          const exact = isSupported(sorted.length, p)
            ? sorted[Math.ceil(sorted.length * p - 1e-9) - 1]
            : undefined
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

        expect(merged.count).toBe(whole.count)
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

  test('refuses what is no histogram', () => {
    expect(() => Histogram.from('aGFsbG8=')).toThrow()
  })
})

const samples = (count: number) => filled(oneTo(count))

describe('latency summary', () => {
  test('has no percentile that 20 samples do not support', () => {
    expect(summarize(samples(20))).toEqual({ count: 20, mean_us: 11, p50_us: 10, max_us: 20 })
    expect(Object.keys(summarize(samples(1_000)))).toEqual([
      'count',
      'mean_us',
      'p50_us',
      'p95_us',
      'p99_us',
      'max_us',
    ])
    expect(summarize(samples(0))).toEqual({ count: 0 })
  })

  test('has one cell for each column, and says which sample it is where a percentile has too few', () => {
    const cells = latencyCells(filled(oneTo(20).map((ms) => ms * 1_000)))

    expect(cells).toEqual([20, '10.5', '10.0', '19.0 (sample 19 of 20)', '20.0 (sample 20 of 20)', '20.0'])
    expect(cells).toHaveLength(LATENCY_COLUMNS.length)
    expect(latencyCells(filled([]))).toEqual([0, ...Array.from({ length: 5 }, () => '–')])
  })

  test('marks a percentile up to the number of samples that it needs, and not from there on', () => {
    expect(percentileCell(samples(999), 0.99)).toBe('0.99 (sample 990 of 999)')
    expect(percentileCell(samples(1_000), 0.99)).toBe('0.99')
  })

  test.each([
    [1, '0.00'],
    [1_234, '1.23'],
    [12_345, '12.3'],
    [123_456, '123'],
  ])('%i us reads as %s ms', (us, text) => expect(milliseconds(us)).toBe(text))
})
