import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Chart, MeasuredPoint, Series } from '../run/schema.ts'
import { chart, series } from '../testing/report-builders.ts'
import { drawChart, linesOf, SIZES, thin } from './draw.ts'
import { chartTable, describe as inWords, leftOut } from './figure.ts'

const draw = (overrides: Partial<Chart>) => drawChart(chart(overrides), 'wide', 240)?.content.text ?? ''
const textsIn = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!)
const pathsIn = (svg: string) =>
  [...svg.matchAll(/<g[^>]*aria-label="line">.*?<\/g>/gs)].map(([group]) => group)
const axis = (scale: Chart['x']['scale'], label = 'x') => ({ label, unit: 'ms', scale })

describe('a chart', () => {
  test('says its units on the axes, and what happened on the way', () => {
    const texts = textsIn(draw({ marks: [{ x: 1, label: 'inventory stopped' }] }))

    expect(texts).toEqual(expect.arrayContaining(['Time, s', 'Latency, ms', 'inventory stopped']))
  })

  test('tells its curves apart by dashes, not by colour alone', () => {
    const paths = pathsIn(draw({ series: Array.from({ length: 6 }, (_, i) => series({ name: `s${i}` })) }))

    expect(new Set(paths.map((path) => /stroke-dasharray="([^"]*)"/.exec(path)?.[1])).size).toBe(6)
  })

  test('has one colour for what a curve means, wherever the curve stands in it', () => {
    const of = (means: Series['means'][]) =>
      pathsIn(draw({ series: means.map((one) => series({ ...(one && { means: one }) })) })).map(
        (path) => /stroke="var\(--([^)]*)\)"/.exec(path)?.[1],
      )

    expect(of(['streaming-kafka', 'sync-rest'])).toEqual(['streaming-kafka', 'sync-rest'])
    expect(of(['ok', undefined, 'streaming-kafka'])).toEqual(['ok', 'other', 'streaming-kafka'])
  })

  test('has a gap where nothing was measured, and a dot where a point stands alone', () => {
    const many = Array.from({ length: 20 }, (_, x): Series['points'][number] => [x, 1])
    const svg = draw({
      series: [series({ points: [...many, [20, null], [21, 1], [22, null], [23, 1], [24, 1]] })],
    })

    expect(pathsIn(svg)[0]!.match(/[" Z]M|\dM/g)).toHaveLength(3)
    expect(svg.match(/<circle/g)).toHaveLength(1)
  })

  test('draws a value that holds as steps, to the end of its time', () => {
    const lines = linesOf(
      chart(),
      series({
        step: true,
        points: [
          [0, 1],
          [1, 4],
          [3, null],
        ],
      }),
    )

    expect(lines).toEqual([
      [
        [0, 1],
        [1, 4],
        [3, 4],
      ],
    ])
  })

  test.each([
    ['linear', [5, 10, 15], ['0', '2', '10', '14']],
    ['log', [1, 100], ['1', '2', '5', '10', '20', '50', '100']],
  ] as const)('has figures a reader expects on a %s axis', (scale, values, expected) => {
    const points = values.map((value, at): MeasuredPoint => [at, value])
    const texts = textsIn(draw({ y: axis(scale, 'y'), series: [series({ points })] }))

    expect(texts).toEqual(expect.arrayContaining([...expected]))
  })

  test('spaces percentiles by their nines', () => {
    const points: MeasuredPoint[] = [
      [0, 1],
      [50, 2],
      [99, 3],
      [99.9, 9],
    ]
    const texts = textsIn(draw({ x: axis('percentile'), series: [series({ n: 100_000, points })] }))

    expect(texts).toEqual(expect.arrayContaining(['0', '50', '90', '99', '99.9']))
  })

  test('of no point, or of none an axis has a place for, is none', () => {
    expect(draw({ series: [series({ n: 0, points: [] })] })).toBe('')
    expect(draw({ y: axis('log'), series: [series({ points: [[1, 0]] })] })).toBe('')
  })

  test('stays within its picture whatever the numbers are', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true })
    const scale = fc.constantFrom('linear', 'log', 'percentile') as fc.Arbitrary<Chart['x']['scale']>
    const lines = fc.array(fc.array(fc.tuple(number, number), { maxLength: 20 }), { maxLength: 8 })
    const marks = fc.array(fc.record({ x: number, label: fc.string() }), { maxLength: 6 })
    fc.assert(
      fc.property(scale, scale, lines, marks, (x, y, all, moments) => {
        const svg = draw({
          x: axis(x),
          y: axis(y),
          series: all.map((points) => series({ points })),
          marks: moments,
        })
        const drawn = [...svg.matchAll(/ (?:d|[xy][12]|c[xy])="([^"]*)"/g)].flatMap(
          ([, at]) => at!.match(/-?[\d.]+/g) ?? [],
        )

        expect(svg).not.toMatch(/NaN|Infinity|undefined/)
        expect(drawn.every((one) => Math.abs(Number(one)) <= SIZES.wide.width)).toBe(true)
      }),
      { numRuns: 50, examples: [['linear', 'linear', [[[0, -6.4e-323]]], []]] },
    )
  })

  test('keeps every spike when it is drawn with fewer points', () => {
    const flat = Array.from({ length: 10_000 }, (_, x): MeasuredPoint => [x, x === 4_321 ? 99 : 1])
    const thinned = thin(flat, 40)

    expect(thinned.length).toBeLessThanOrEqual(40)
    expect(thinned).toContainEqual([4_321, 99])
    expect(thinned).toEqual(thinned.toSorted((a, b) => a[0] - b[0]))
  })
})

describe('the words of moments', () => {
  const rowsOf = (xs: number[]) => {
    const svg = draw({ marks: xs.map((x) => ({ x, label: 'inventory was stopped' })) })
    return [...svg.matchAll(/translate\(-?\d+,(-\d+)\)" text-anchor="(?:start|end)" aria-label="text"/g)].map(
      ([, dy]) => Number(dy),
    )
  }

  test('stand above each other, so that neighbours have room', () => {
    expect(new Set(rowsOf([0.1, 0.15, 0.2])).size).toBe(3)
  })
})

describe('beside its picture a chart has', () => {
  test('its words, for those who do not see it', () => {
    expect(inWords(chart({ marks: [{ x: 1, label: 'inventory stopped' }] }))).toMatch(
      /answered \(n = 1,000\): from 1 ms to 2 ms, highest 4 ms at 1 s.*inventory stopped at 1 s/,
    )
  })

  test('how much is not drawn', () => {
    const points: MeasuredPoint[] = [
      [1, 0],
      [2, 5],
    ]
    expect(leftOut(chart({ y: axis('log'), series: [series({ points })] }))).toBe(
      'Not drawn, for want of a place on an axis, or of ten samples above a percentile: 1 point.',
    )
    expect(leftOut(chart({ x: axis('percentile'), series: [series({ n: 20, points: [[99, 1]] })] }))).toEqual(
      expect.stringContaining('1 point.'),
    )
    expect(leftOut(chart())).toBeUndefined()
  })

  test('its numbers: some rows of many, and the extremes always', () => {
    const points = Array.from({ length: 1_000 }, (_, x): MeasuredPoint => [x, x === 500 ? 77 : 1])
    const table = chartTable(chart({ series: [series({ points })] }), 10)

    expect(table.title).toContain('of 1,000 rows')
    expect(table.rows).toContainEqual(['answered (n = 1,000)', '500', '77'])
    expect(table.rows.length).toBeLessThan(15)
  })
})
