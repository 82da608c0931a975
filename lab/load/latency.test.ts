import { describe, expect, test } from 'vitest'
import { LATENCY_COLUMNS, latencyCells, milliseconds, summarize } from './latency.ts'

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
