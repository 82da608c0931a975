import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Axis, Point, Series } from '../chart.ts'
import { isDrawable, scaleFor, shownLines, shownPoints } from './svg-scale.ts'

const axis = (scale: Axis['scale']): Axis => ({ label: 'Latency', unit: 'ms', scale })
const ticksOf = (scale: Axis['scale'], values: number[], extend = true) =>
  scaleFor(axis(scale), values, { room: 5, extend }).ticks.map(({ label }) => label)

describe('the ticks of an axis', () => {
  test.each([
    ['whole steps from 0', 'linear', [3, 47], ['0', '10', '20', '30', '40', '50']],
    ['the same decimals each', 'linear', [0.2, 0.9], ['0', '0.2', '0.4', '0.6', '0.8', '1.0']],
    ['thousands grouped', 'linear', [0, 48_000], ['0', '10,000', '20,000', '30,000', '40,000', '50,000']],
    ['both sides of 0', 'linear', [-4, 4], ['-4', '-2', '0', '2', '4']],
    ['one value', 'linear', [7], ['0', '2', '4', '6', '8']],
    ['no value at all', 'linear', [], ['0', '0.2', '0.4', '0.6', '0.8', '1.0']],
    ['1, 2 and 5 of few decades', 'log', [1.2, 88], ['1', '2', '5', '10', '20', '50', '100']],
    ['each decade of many', 'log', [0.02, 90_000], ['0.1', '1', '10', '100', '1,000', '10,000', '100,000']],
    ['the nines, to the next one', 'percentile', [0, 99.95], ['0', '50', '90', '99', '99.9', '99.99']],
    ['the quarters where it ends early', 'percentile', [0, 90], ['0', '50', '75', '90']],
    ['the figure after the last point', 'percentile', [0, 98.9], ['0', '50', '75', '90', '95', '99']],
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

describe('the lines of a curve', () => {
  const lines = (points: Point[], overrides: Partial<Series> = {}) =>
    shownLines({ x: axis('linear'), y: axis('log') }, { name: 'lag', n: 9, points, ...overrides })

  test('end where nothing was measured, and begin again after it', () => {
    expect(
      lines([
        [0, 1],
        [1, 2],
        [2, null],
        [3, null],
        [4, 5],
      ]),
    ).toEqual([
      {
        points: [
          [0, 1],
          [1, 2],
        ],
      },
      { points: [[4, 5]] },
    ])
  })

  test('end where the axis has no place for a point', () => {
    expect(
      lines([
        [0, 1],
        [1, 0],
        [2, 1],
      ]).map(({ points }) => points),
    ).toEqual([[[0, 1]], [[2, 1]]])
  })

  test('hold a value that holds until the gap', () => {
    expect(
      lines(
        [
          [0, 1],
          [2, null],
        ],
        { step: true },
      ),
    ).toEqual([{ points: [[0, 1]], until: 2 }])
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
