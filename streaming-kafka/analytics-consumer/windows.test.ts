import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LastMinute, RollingCounts } from './windows.ts'

const minute = () => new RollingCounts({ widthSeconds: 1, keep: 60 })

describe('rolling counts', () => {
  test('count the last 60 seconds of event time, not of the clock', () => {
    const window = minute()
    for (const at of [1_000, 1_000.9, 1_030, 1_059.5]) window.add(at, 'orders')

    expect(window.total()).toMatchObject({ from: 1_000, to: 1_060, counts: { orders: 4 } })

    window.add(1_060, 'orders')
    expect(window.total()).toMatchObject({ from: 1_001, to: 1_061, counts: { orders: 3 } })
  })

  test('do not count what is older than the window', () => {
    const window = minute()
    window.add(1_060, 'orders')
    window.add(1_000, 'orders')

    expect(window.total()?.counts.orders).toBe(1)
  })

  test('give the same counts whatever the order of arrival', () => {
    const times = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1 })
    fc.assert(
      fc.property(times, fc.infiniteStream(fc.nat()), (ats, random) => {
        const [one, other] = [minute(), minute()]
        for (const at of ats) one.add(at, 'failed')
        const shuffled = ats
          .map((at) => ({ at, rank: random.next().value ?? 0 }))
          .sort((a, b) => a.rank - b.rank)
        for (const { at } of shuffled) other.add(at, 'failed')

        expect(other.total()).toEqual(one.total())
        expect(other.buckets()).toEqual(one.buckets())
      }),
    )
  })

  test('are empty before the first event and after clear', () => {
    const window = minute()
    expect(window.total()).toBeUndefined()
    window.add(5, 'reserved')
    window.clear()
    expect(window.total()).toBeUndefined()
  })
})

describe('the last minute', () => {
  test('falls when orders stop', () => {
    const minute = new LastMinute()
    for (const at of [1_000, 1_030.5, 1_030.9]) minute.add(at, 1_031)

    expect([1_031, 1_059.9, 1_060, 1_089.9, 1_090].map((now) => minute.total(now))).toEqual([3, 3, 2, 2, 0])
  })

  test('is not held by an order of the future, which counts when its time has come', () => {
    const minute = new LastMinute()
    minute.add(32_503_680_000, 1_000)
    minute.add(1_010, 1_000)
    minute.add(1_000, 1_000)

    expect([1_000, 1_010, 1_069.9, 1_070].map((now) => minute.total(now))).toEqual([1, 2, 1, 0])
  })

  test('does not count what was older when it was read', () => {
    const minute = new LastMinute()
    minute.add(940, 1_000)
    minute.add(941, 1_000)

    expect(minute.total(1_000)).toBe(1)
  })
})
