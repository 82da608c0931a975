import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mostOrders, type Rate, schedule } from './schedule.ts'

const times = (rate: Rate, seed?: number) => [...schedule(rate, seed)]

describe('schedule', () => {
  test('spaces a constant rate evenly, from the first microsecond on', () => {
    expect(times({ perSecond: 4, seconds: 1 })).toEqual([0, 250_000, 500_000, 750_000])
    expect(times({ perSecond: 200, seconds: 30 })).toHaveLength(6_000)
    expect(times({ perSecond: 33.3, seconds: 10 })).toHaveLength(333)
  })

  test('is the same for the same seed, and another for another', () => {
    const poisson: Rate = { perSecond: 100, seconds: 5, arrivals: 'poisson' }

    expect(times(poisson, 7)).toEqual(times(poisson, 7))
    expect(times(poisson, 7)).not.toEqual(times(poisson, 8))
  })

  test('of Poisson arrivals has the mean of the rate and gaps as wide as they are long', () => {
    const sent = times({ perSecond: 1_000, seconds: 100, arrivals: 'poisson' }, 3)
    const gaps = sent.map((us, i) => us - (sent[i - 1] ?? 0))
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)

    expect(sent.length / 100_000).toBeCloseTo(1, 1)
    expect(deviation / mean).toBeCloseTo(1, 1)
  })

  test('never goes back, stays inside its plan, and sends no more than the stock is made for', () => {
    const rates = fc.record({
      perSecond: fc.integer({ min: 1, max: 400 }),
      seconds: fc.integer({ min: 1, max: 5 }),
      arrivals: fc.constantFrom('even' as const, 'poisson' as const),
    })
    fc.assert(
      fc.property(rates, fc.integer(), (rate, seed) => {
        const sent = times(rate, seed)

        expect(sent.every((us, i) => us >= (sent[i - 1] ?? 0) && us <= rate.seconds * 1e6)).toBe(true)
        expect(sent.length).toBeLessThanOrEqual(mostOrders([rate]))
        if (rate.arrivals === 'even') expect(sent).toHaveLength(rate.perSecond * rate.seconds)
      }),
    )
  })
})
