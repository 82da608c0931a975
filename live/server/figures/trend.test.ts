import { describe, expect, test } from 'vitest'
import { trendOf } from './trend.ts'

const points = (...values: (number | null)[]) => values.map((value, at) => ({ at: at * 1_000, value }))

describe('a trend', () => {
  test('of a queue that drains says when it is empty', () => {
    expect(trendOf(points(50, 40, 30, 20))).toEqual({ way: 'draining', perSecond: -10, emptyInSeconds: 2 })
  })

  test('of a queue that grows says that it never is', () => {
    expect(trendOf(points(0, 5, 10))).toEqual({ way: 'growing', perSecond: 5, emptyInSeconds: null })
  })

  test('of a queue that stands still is steady, and only an empty one is empty', () => {
    expect(trendOf(points(7, 7, 7))).toEqual({ way: 'steady', perSecond: 0, emptyInSeconds: null })
    expect(trendOf(points(0, 0, 0)).emptyInSeconds).toBe(0)
  })

  test('is not known from two points, or when the last is not', () => {
    expect(trendOf(points(5, 6)).way).toBe('unknown')
    expect(trendOf(points(1, 2, 3, null)).way).toBe('unknown')
  })

  test('forgets what is more than ten seconds ago', () => {
    const old = [
      { at: 0, value: 1_000 },
      ...points(5, 5, 5).map(({ at, value }) => ({ at: at + 60_000, value })),
    ]

    expect(trendOf(old).way).toBe('steady')
  })
})
