import { describe, expect, test } from 'vitest'
import { percentile } from './percentile.ts'

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
  })
})
