import { describe, expect, test } from 'vitest'
import { describeRate, endingAfter, parseRate, RateSyntaxError, secondsOf } from './rate.ts'

describe('rate plan', () => {
  test.each([
    ['200/s', '200 orders/s, evenly spaced'],
    ['200/s for 30s', '200 orders/s for 30 s, evenly spaced'],
    ['0.5/s for 1.5m', '0.5 orders/s for 90 s, evenly spaced'],
    ['50..500/s over 60s', '50 to 500 orders/s for 60 s, evenly spaced'],
    ['0..10/s over 500ms', '0 to 10 orders/s for 0.5 s, evenly spaced'],
    [
      '100,0,400/s every 10s',
      '100 orders/s for 10 s, then 0 orders/s for 10 s, then 400 orders/s for 10 s, evenly spaced',
    ],
    ['poisson 200/s', '200 orders/s, Poisson arrivals'],
    [' poisson  50..500/s  over 60s ', '50 to 500 orders/s for 60 s, Poisson arrivals'],
  ])('%s reads as %s', (text, words) => expect(describeRate(parseRate(text))).toBe(words))

  test.each([
    ['', 'no rate is given'],
    ['poisson', 'no rate is given'],
    ['200', "'200' has no unit"],
    ['200/min', "'/min' is no unit of rate"],
    ['200/s/s', "'/s/s' is no unit of rate"],
    ['fast/s', "'fast' is not a number of orders per second"],
    ['-5/s', "'-5' is not a number of orders per second"],
    ['1e3/s', "'1e3' is not a number of orders per second"],
    ['0/s', "'0' never sends an order"],
    ['1000000/s', "'1000000' is above 100000"],
    ['200/s for', "'for' lacks its duration"],
    ['200/s for 30', "'30' needs a unit of time"],
    ['200/s for soon', "'soon' is not a duration"],
    ['200/s for 0s', "'0s' is no time at all"],
    ['200/s over 30s', "'over' does not go with '200/s', 'for' does"],
    ['50..500/s', "'50..500/s' lacks its duration ('over 10s')"],
    ['50..500..50/s over 1s', "'50..500..50' is no ramp"],
    ['50../s over 1s', "'' is not a number"],
    ['100,200/s for 10s', "'for' does not go with '100,200/s', 'every' does"],
    ['200/s for 30s please', "'please' is one word too many"],
    ['normal 200/s', "'normal' has no unit"],
  ])("'%s' is refused, and the wrong part named", (text, problem) => {
    expect(() => parseRate(text)).toThrow(RateSyntaxError)
    expect(() => parseRate(text)).toThrow(problem)
    expect(() => parseRate(text)).toThrow("write '200/s'")
  })

  test('without an end takes the one it is given, and keeps its own otherwise', () => {
    expect(secondsOf(endingAfter(parseRate('200/s'), 5))).toBe(5)
    expect(secondsOf(endingAfter(parseRate('200/s for 30s'), 5))).toBe(30)
  })
})
