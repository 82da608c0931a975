import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chart, series } from '../../testing/report-builders.ts'
import type { Chart, Series } from '../chart.ts'
import { drawChart } from './svg-chart.ts'
import { WIDTHS } from './svg-frame.ts'
import { placeMarks, rowsOf } from './svg-mark.ts'

const draw = (overrides: Partial<Chart>) =>
  drawChart(chart(overrides), { id: 'c1', maxPoints: 240 })?.text ?? ''
const textsIn = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)

describe('a chart', () => {
  test('says its units on the axes, and what it shows to those who do not see it', () => {
    const svg = draw({ marks: [{ x: 1, label: 'inventory stopped' }] })

    expect(textsIn(svg)).toEqual(expect.arrayContaining(['Time, s', 'Latency, ms', 'inventory stopped']))
    expect(svg).toContain('role="img" aria-labelledby="c1-t c1-d"')
    expect(svg).toContain('<title id="c1-t">Latency over time</title>')
    expect(svg).toMatch(
      /<desc id="c1-d">.*answered \(n = 1,000\): from 1 ms to 2 ms, highest 4 ms at 1 s.*inventory stopped at 1 s/,
    )
  })

  test('tells its curves apart by dashes and markers, not by colour alone', () => {
    const svg = draw({ series: Array.from({ length: 6 }, (_, i) => series({ name: `s${i}` })) })
    const groups = [...svg.matchAll(/<g class="of-other">(.*?)<\/g>/gs)].map(([, group]) => group!)
    const dashes = groups.map((group) => /stroke-dasharray="([^"]*)"/.exec(group)?.[1] ?? 'none')

    expect(groups).toHaveLength(6)
    expect(new Set(dashes).size).toBe(6)
  })

  test('has one colour for what a curve means, wherever the curve stands in it', () => {
    const of = (means: Series['means'][]) =>
      [
        ...draw({
          series: means.map((one, i) => series({ name: `s${i}`, ...(one && { means: one }) })),
        }).matchAll(/<g class="(of-\S+)">/g),
      ].map(([, name]) => name)

    expect(of(['streaming-kafka', 'sync-rest'])).toEqual(['of-streaming-kafka', 'of-sync-rest'])
    expect(of(['ok', undefined, 'streaming-kafka'])).toEqual(['of-ok', 'of-other', 'of-streaming-kafka'])
  })

  test('breaks a curve at a gap, and marks a point that stands alone', () => {
    const points: Series['points'] = [
      [0, 1],
      [1, 1],
      [2, null],
      [3, 1],
      [4, null],
    ]
    const svg = draw({ series: [series({ points })] })

    expect(/class="curve" d="([^"]*)"/.exec(svg)?.[1]).toMatch(/^M[\d. ]+L[\d. ]+$/)
    expect(svg.match(/class="dot"/g)).toHaveLength(3)
  })

  test('names a curve beside itself, or not at all where another is as near', () => {
    const line = (name: string, y: number) =>
      series({ name, points: Array.from({ length: 20 }, (_, x): [number, number] => [x, y]) })
    const named = (...all: Series[]) => textsIn(draw({ series: all })).filter((text) => /^[ab]$/.test(text!))

    expect(named(line('a', 1), line('b', 9))).toEqual(['a', 'b'])
    expect(named(line('a', 9), line('b', 9))).toEqual([])
  })

  test('draws a value that holds as steps', () => {
    expect(draw({ series: [series({ step: true })] })).toMatch(/class="curve"[^>]* d="M[\d. ]+H[\d.]+V/)
    expect(draw({})).toMatch(/class="curve"[^>]* d="M[\d. ]+L/)
  })

  test('of no point, or of none an axis has a place for, is none', () => {
    expect(draw({ series: [series({ n: 0, points: [] })] })).toBe('')
    expect(
      draw({ y: { label: 'Latency', unit: 'ms', scale: 'log' }, series: [series({ points: [[1, 0]] })] }),
    ).toBe('')
  })

  test('of a single point, or of one that never changes, is drawn', () => {
    expect(draw({ series: [series({ points: [[3, 7]] })] })).toContain('class="dot"')
    expect(
      draw({
        series: [
          series({
            points: [
              [1, 0],
              [2, 0],
            ],
          }),
        ],
      }),
    ).toContain('class="curve"')
  })

  test('stays within its picture whatever the numbers are', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true })
    const scale = fc.constantFrom('linear', 'log', 'percentile') as fc.Arbitrary<Chart['x']['scale']>
    const lines = fc.array(fc.array(fc.tuple(number, number), { maxLength: 20 }), { maxLength: 8 })
    const marks = fc.array(fc.record({ x: number, label: fc.string() }), { maxLength: 6 })
    fc.assert(
      fc.property(scale, scale, lines, marks, (x, y, all, moments) => {
        const svg = draw({
          x: { label: 'x', unit: 's', scale: x },
          y: { label: 'y', unit: 'ms', scale: y },
          series: all.map((points) => series({ points })),
          marks: moments,
        })
        const coordinates = [...svg.matchAll(/\bd="([^"]*)"|\b[xy]="([^"]*)"/g)].flatMap(
          ([, d = '', at = '']) => (d + at).match(/-?[\d.e+]+/g) ?? [],
        )

        expect(svg).not.toMatch(/NaN|Infinity|undefined/)
        expect(coordinates.every((one) => Math.abs(Number(one)) <= 2 * WIDTHS.half)).toBe(true)
      }),
    )
  })
})

describe('the words of moments', () => {
  const sides = { left: 30, right: 350 }

  test('stand in one row where they have room, and above each other where not', () => {
    const place = (xs: number[]) =>
      placeMarks(
        xs.map((x) => ({ x, label: 'inventory stopped' })),
        (x) => x,
        sides,
      ).map(({ row }) => row)

    expect(place([0.1, 0.6])).toEqual([0, 0])
    expect(place([0.1, 0.2, 0.3])).toEqual([0, 1, 2])
  })

  test('stand on the left of their line where the right has no room, never beside the line of another', () => {
    const [last, first] = placeMarks(
      [
        { x: 0.8, label: 'started again' },
        { x: 0.95, label: 'first new order done' },
      ],
      (x) => x,
      sides,
    )

    for (const { x, left, text } of [last!, first!]) {
      const gap = left > x ? left - x : x - (left + text.length * 6.1)
      expect(gap).toBeCloseTo(3, 5)
    }
    expect(last!.row).not.toBe(first!.row)
  })

  test('never cover each other, and no line of another moment goes through them', () => {
    const moment = fc.record({
      x: fc.double({ min: 0, max: 1, noNaN: true }),
      label: fc.string({ maxLength: 30 }),
    })
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 12 }), (moments) => {
        const placed = placeMarks(moments, (x) => x, sides).filter(({ text }) => text !== '')
        const ends = placed.map(({ left, text }) => left + text.length * 6.1)

        expect(rowsOf(placed)).toBeLessThanOrEqual(4)
        placed.forEach((one, i) => {
          placed.slice(i + 1).forEach((other, j) => {
            const apart = one.left >= ends[i + 1 + j]! || other.left >= ends[i]!
            expect(one.row !== other.row || apart).toBe(true)
            for (const [line, words] of [[one, other] as const, [other, one] as const]) {
              const isWithin = line.x > words.left && line.x < words.left + words.text.length * 6.1
              expect(isWithin && words.row <= line.row).toBe(false)
            }
          })
        })
      }),
    )
  })
})
