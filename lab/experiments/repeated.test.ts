import { describe, expect, test } from 'vitest'
import { differ, remarkOn, repeated, rotated, spread } from './repeated.ts'

describe('a figure that was repeated', () => {
  test('has the median and the range of its runs', () => {
    expect(repeated([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5, runs: 3 })
    expect(repeated([4, 1])).toEqual({ median: 2.5, min: 1, max: 4, runs: 2 })
  })

  test('is absent when one run could not support it', () => {
    expect(repeated([5, undefined, 3])).toBeUndefined()
    expect(repeated([])).toBeUndefined()
  })

  test('shows its range, and says that one run has none', () => {
    const format = (value: number) => value.toFixed(1)
    expect(spread(repeated([5, 1, 3]), format)).toBe('3.0 (1.0–5.0)')
    expect(spread(repeated([5]), format)).toBe('5.0 (range n/a)')
    expect(spread(undefined, format)).toBe('n/a')
  })

  test('differs from another only when the ranges do not touch', () => {
    const low = repeated([1, 2, 3])!
    expect(differ(low, repeated([4, 5, 6])!)).toBe(true)
    expect(differ(low, repeated([3, 5, 6])!)).toBe(false)
    expect(differ(low, repeated([4, 5])!)).toBeUndefined()
    expect(remarkOn(low, repeated([4])!)).toBe('too few runs to tell from noise')
  })
})

test('every part is first once in as many repetitions as there are parts', () => {
  const orders = [0, 1, 2, 3].map((by) => rotated(['a', 'b', 'c'], by).join(''))
  expect(orders).toEqual(['abc', 'bca', 'cab', 'abc'])
})
