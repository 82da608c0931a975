import { describe, expect, test } from 'vitest'
import { LATENCY_COLUMNS, latencyCells, milliseconds, summarize } from './latency.ts'

const samples = (count: number) => Array.from({ length: count }, (_, i) => (i + 1) * 1_000)

describe('latency summary', () => {
  test('leaves out the percentiles that 20 samples do not support', () => {
    expect(summarize(samples(20))).toEqual({ count: 20, mean_us: 10_500, p50_us: 10_000, max_us: 20_000 })
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

  test('has one cell for each column, and says n where a figure is missing', () => {
    const cells = latencyCells(summarize(samples(20)))

    expect(cells).toEqual([20, '10.5', '10.0', 'n/a (n=20)', 'n/a (n=20)', '20.0'])
    expect(cells).toHaveLength(LATENCY_COLUMNS.length)
    expect(latencyCells(summarize([]))).toEqual([0, ...Array.from({ length: 5 }, () => 'n/a (n=0)')])
  })

  test.each([
    [1, '0.00'],
    [1_234, '1.23'],
    [12_345, '12.3'],
    [123_456, '123'],
  ])('%i us reads as %s ms', (us, text) => expect(milliseconds(us)).toBe(text))
})
