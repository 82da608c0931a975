import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRate } from './rate.ts'
import { expectedOrders, schedule } from './schedule.ts'

const times = (text: string, seed?: number) => [...schedule(parseRate(text), seed)]
const between = (sent: number[], fromSeconds: number, toSeconds: number) =>
  sent.filter((us) => us >= fromSeconds * 1e6 && us < toSeconds * 1e6).length

describe('schedule', () => {
  test('spaces a constant rate evenly, from the first microsecond on', () => {
    expect(times('4/s for 1s')).toEqual([0, 250_000, 500_000, 750_000])
    expect(times('200/s for 30s')).toHaveLength(6_000)
    expect(times('33.3/s for 10s')).toHaveLength(333)
  })

  test('goes on for ever without an end', () => {
    expect(schedule(parseRate('1000/s')).drop(1_000_000).next().value).toBe(1_000_000_000)
    expect(expectedOrders(parseRate('1000/s'))).toBe(Infinity)
  })

  test('follows a ramp: the second half of 0..100 sends three times as many as the first', () => {
    const sent = times('0..100/s over 10s')

    expect(sent).toHaveLength(500)
    expect(between(sent, 0, 5)).toBe(125)
    expect(between(sent, 5, 10)).toBe(375)
    expect(times('100..0/s over 10s')).toHaveLength(500)
  })

  test('follows steps, pauses included', () => {
    const sent = times('10,0,30/s every 2s')

    expect([between(sent, 0, 2), between(sent, 2, 4), between(sent, 4, 6)]).toEqual([20, 0, 60])
  })

  test('is the same for the same seed, and another for another', () => {
    expect(times('poisson 100/s for 5s', 7)).toEqual(times('poisson 100/s for 5s', 7))
    expect(times('poisson 100/s for 5s', 7)).not.toEqual(times('poisson 100/s for 5s', 8))
  })

  test('of Poisson arrivals has the mean of the rate and gaps as wide as they are long', () => {
    const sent = times('poisson 1000/s for 100s', 3)
    const gaps = sent.map((us, i) => us - (sent[i - 1] ?? 0))
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)

    expect(sent.length / 100_000).toBeCloseTo(1, 1)
    expect(deviation / mean).toBeCloseTo(1, 1)
  })

  test('never goes back, stays inside its plan, and sends what is expected', () => {
    const rate = fc.integer({ min: 1, max: 400 })
    const seconds = fc.integer({ min: 1, max: 5 })
    const plans = fc.oneof(
      fc.tuple(rate, seconds).map(([r, s]) => `${r}/s for ${s}s`),
      fc.tuple(rate, rate, seconds).map(([a, b, s]) => `${a}..${b}/s over ${s}s`),
      fc
        .tuple(fc.array(rate, { minLength: 2, maxLength: 4 }), seconds)
        .map(([r, s]) => `${r.join(',')}/s every ${s}s`),
    )
    fc.assert(
      fc.property(plans, fc.constantFrom('', 'poisson '), fc.integer(), (text, arrivals, seed) => {
        const plan = parseRate(arrivals + text)
        const sent = [...schedule(plan, seed)]
        const endsAt = plan.segments.reduce((sum, segment) => sum + segment.seconds, 0) * 1e6

        expect(sent.every((us, i) => us >= (sent[i - 1] ?? 0) && us <= endsAt)).toBe(true)
        const off = Math.abs(sent.length - expectedOrders(plan))
        expect(off).toBeLessThanOrEqual(arrivals === '' ? 1 : 6 * Math.sqrt(expectedOrders(plan)) + 6)
      }),
    )
  })
})
