import { describe, expect, test } from 'vitest'
import { describeRank, nearestRank, percentile } from './percentile.ts'

const oneTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

describe('percentile of raw samples', () => {
  test.each([
    { p: 0.5, needs: 20, answer: 10 },
    { p: 0.9, needs: 100, answer: 90 },
    { p: 0.95, needs: 200, answer: 190 },
    { p: 0.99, needs: 1_000, answer: 990 },
    { p: 0.999, needs: 10_000, answer: 9_990 },
  ])('answers p$p from $needs samples on, and nothing with one fewer', ({ p, needs, answer }) => {
    expect(percentile(oneTo(needs), p)).toBe(answer)
    expect(percentile(oneTo(needs - 1), p)).toBeUndefined()
  })

  test('answers a sample that was measured, never a value in between', () => {
    const samples = [...Array.from({ length: 10 }, () => 1), ...Array.from({ length: 10 }, () => 100)]

    expect(percentile(samples, 0.5)).toBe(1)
  })

  test('answers nothing without samples', () => {
    expect(percentile([], 0.5)).toBeUndefined()
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
