import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Axis } from '../chart.ts'
import { isDrawable, scaleFor, shownPoints } from './svg-scale.ts'

const axis = (scale: Axis['scale']): Axis => ({ label: 'Latency', unit: 'ms', scale })
const ticksOf = (scale: Axis['scale'], values: number[], extend = true) =>
  scaleFor(axis(scale), values, { room: 5, extend }).ticks.map(({ label }) => label)

describe('the ticks of an axis', () => {
  test.each([
    ['whole steps from 0', 'linear', [3, 47], ['0', '10', '20', '30', '40', '50']],
    ['the same decimals each', 'linear', [0.2, 0.9], ['0', '0.2', '0.4', '0.6', '0.8', '1.0']],
    ['thousands in short', 'linear', [0, 48_000], ['0', '10 k', '20 k', '30 k', '40 k', '50 k']],
    ['both sides of 0', 'linear', [-4, 4], ['-4', '-2', '0', '2', '4']],
    ['one value', 'linear', [7], ['0', '2', '4', '6', '8']],
    ['no value at all', 'linear', [], ['0', '0.2', '0.4', '0.6', '0.8', '1.0']],
    ['1, 2 and 5 of few decades', 'log', [1.2, 88], ['1', '2', '5', '10', '20', '50', '100']],
    ['each decade of many', 'log', [0.02, 90_000], ['0.1', '1', '10', '100', '1,000', '10 k', '100 k']],
    ['the nines', 'percentile', [0, 99.95], ['0', '50', '90', '99', '99.9']],
    ['the quarters where it ends early', 'percentile', [0, 90], ['0', '50', '75', '90']],
  ] satisfies [string, Axis['scale'], number[], string[]][])('are %s', (_, scale, values, labels) => {
    expect(ticksOf(scale, values)).toEqual(labels)
  })

  test('of a percentile axis are as far apart for 90, 99 and 99.9 %', () => {
    const { to } = scaleFor(axis('percentile'), [0, 99.9], { room: 5 })

    expect(to(99) - to(90)).toBeCloseTo(to(99.9) - to(99), 10)
    expect(to(90)).toBeCloseTo(1 / 3, 10)
  })
})

describe('a scale', () => {
  const values = {
    linear: fc.double({ min: -1e15, max: 1e15, noNaN: true }),
    log: fc.double({ min: 1e-9, max: 1e15, noNaN: true }),
    percentile: fc.double({ min: 0, max: 99.9999, noNaN: true }),
  }

  test.each(['linear', 'log', 'percentile'] as const)(
    '%s keeps all values within the axis and in order',
    (kind) => {
      fc.assert(
        fc.property(fc.array(values[kind], { minLength: 1, maxLength: 30 }), fc.boolean(), (all, extend) => {
          const { to } = scaleFor(axis(kind), all, { room: 5, extend })
          const places = all.toSorted((a, b) => a - b).map(to)

          expect(places.every((place) => place >= -1e-6 && place <= 1 + 1e-6)).toBe(true)
          expect(places).toEqual(places.toSorted((a, b) => a - b))
        }),
      )
    },
  )

  test.each(['linear', 'log', 'percentile'] as const)('%s has ticks that a reader can take in', (kind) => {
    fc.assert(
      fc.property(fc.array(values[kind], { minLength: 1, maxLength: 30 }), (all) => {
        const { to, ticks } = scaleFor(axis(kind), all, { room: 5, extend: true })
        const labels = ticks.map(({ label }) => label)

        expect(ticks.length).toBeGreaterThanOrEqual(1)
        expect(ticks.length).toBeLessThanOrEqual(12)
        expect(new Set(labels).size).toBe(labels.length)
        expect(ticks.every(({ value }) => to(value) >= -1e-6 && to(value) <= 1 + 1e-6)).toBe(true)
      }),
    )
  })

  test('has no place for what it cannot show', () => {
    expect([0, -1, 1].map((value) => isDrawable(axis('log'), value))).toEqual([false, false, true])
    expect([-1, 99, 100].map((value) => isDrawable(axis('percentile'), value))).toEqual([false, true, false])
    expect([1e300, 5].map((value) => isDrawable(axis('linear'), value))).toEqual([false, true])
  })
})

describe('a curve by percentile', () => {
  const curve = (n: number) =>
    shownPoints(
      { x: axis('percentile'), y: axis('linear') },
      {
        name: 'answered',
        n,
        points: [
          [0, 1],
          [50, 2],
          [90, 3],
          [99, 4],
          [99.9, 5],
        ],
      },
    ).map(([x]) => x)

  test.each([
    [20, [0, 50]],
    [999, [0, 50, 90]],
    [1_000, [0, 50, 90, 99]],
    [10_000, [0, 50, 90, 99, 99.9]],
  ])('of %d samples ends where fewer than ten lie above', (n, shown) => {
    expect(curve(n)).toEqual(shown)
  })
})
