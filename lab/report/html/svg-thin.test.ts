import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MeasuredPoint as Point } from '../chart.ts'
import { thin } from './svg-thin.ts'

const points = fc.array(fc.tuple(fc.integer(), fc.integer()), { maxLength: 400 }) as fc.Arbitrary<Point[]>
const limit = fc.integer({ min: 4, max: 100 })

describe('thin', () => {
  test('keeps the ends and the extremes, in order, and no more than it may', () => {
    fc.assert(
      fc.property(points, limit, (all, most) => {
        const kept = thin(all, most)
        const values = kept.map(([, y]) => y)

        expect(kept.length).toBeLessThanOrEqual(most)
        expect([kept[0], kept.at(-1)]).toEqual([all[0], all.at(-1)])
        expect(Math.max(...values)).toBe(Math.max(...all.map(([, y]) => y)))
        expect(Math.min(...values)).toBe(Math.min(...all.map(([, y]) => y)))
        expect(isSubsequence(kept, all)).toBe(true)
      }),
    )
  })

  test('keeps everything when there is room', () => {
    fc.assert(
      fc.property(points, (all) => {
        expect(thin(all, Math.max(4, all.length))).toEqual(all)
      }),
    )
  })

  test('keeps a spike of one sample among a million', () => {
    const flat = Array.from({ length: 1_000_000 }, (_, i): Point => [i, i === 765_432 ? 900 : 1])

    expect(thin(flat, 240)).toContainEqual([765_432, 900])
  })
})

function isSubsequence(part: Point[], whole: Point[]): boolean {
  let at = 0
  return part.every((point) => {
    at = whole.indexOf(point, at) + 1
    return at > 0
  })
}
