import { describe, expect, test } from 'vitest'
import type { ExperimentRecord, Results } from '../run/schema.ts'
import { chart, experimentRecord, runOf, series } from '../testing/report-builders.ts'
import { compareRuns } from './compare.ts'

const of = (
  data: ExperimentRecord['data'],
  record: Partial<ExperimentRecord> = {},
  run: Partial<Results> = {},
) => runOf([experimentRecord({ data, ...record })], run)
const other = {
  run: '2026-11-22T10-20-30',
  started_at: '2026-11-22T10:20:30.000Z',
  ended_at: '2026-11-22T10:21:40.000Z',
}
const compare = (a: ExperimentRecord['data'], b: ExperimentRecord['data']) =>
  compareRuns(of(a), of(b, {}, other))
const repeated = (median: number, min: number, max: number, runs = 3) => ({
  p50_ms: { median, min, max, runs },
})

describe('a figure of two runs', () => {
  test.each([
    [
      'exceeds the range when the ranges do not touch',
      repeated(3, 2.8, 3.2),
      repeated(4, 3.3, 4.4),
      'exceeds the run-to-run range',
      '+33 %',
    ],
    [
      'is within the range when they do',
      repeated(3, 2.8, 3.2),
      repeated(4, 3.2, 4.4),
      'within the run-to-run range',
      '+33 %',
    ],
    [
      'cannot tell with two repetitions',
      repeated(3, 2.8, 3.2, 2),
      repeated(9, 8, 10),
      'cannot tell: fewer than 3 repetitions',
      '+200 %',
    ],
    [
      'cannot tell when it was measured once',
      { p50_ms: 3 },
      { p50_ms: 9 },
      'cannot tell: measured once in each run',
      '+200 %',
    ],
    ['may be equal', { orders: 20 }, { orders: 20 }, 'equal', '±0 %'],
    ['may fall', { p50_ms: 4 }, { p50_ms: 3 }, 'cannot tell: measured once in each run', '−25 %'],
  ])('%s', (_, a, b, judgement, change) => {
    const [experiment] = compare(a, b).experiments

    expect(experiment?.figures.rows[0]?.slice(3)).toEqual([change, judgement])
  })

  test('is called by its place in the data, repeated ones first, samples left out', () => {
    const data = { rounds: [{ sent: 20 }, { sent: 200 }], samples: Array(50).fill(1), ...repeated(3, 2, 4) }
    const [experiment] = compare(data, data).experiments

    expect(experiment?.figures.rows.map(([name]) => name)).toEqual([
      'p50_ms',
      'rounds[0].sent',
      'rounds[1].sent',
    ])
  })
})

describe('two runs', () => {
  test('that differ beyond the range say in which figures', () => {
    expect(compare(repeated(3, 2.8, 3.2), repeated(4, 3.3, 4.4)).notes.at(-1)).toBe(
      '1 of 1 repeated figures differ by more than their run-to-run range: rest-baseline p50_ms +33 %.',
    )
  })

  test('of one measurement each say that they cannot tell', () => {
    expect(compare({ p50_ms: 3 }, { p50_ms: 9 }).notes.at(-1)).toMatch(/cannot tell a change from noise/)
  })

  test('say that they are one and the same', () => {
    expect(compareRuns(of({}), of({})).notes).toContain('Both are the same run.')
  })

  test('made elsewhere say what was different', () => {
    const { environment, brokers } = runOf([])
    const elsewhere = {
      ...other,
      environment: { ...environment, cpu_count: 8 },
      brokers: brokers.slice(0, 1),
    }

    const { notes } = compareRuns(of({}), of({}, {}, elsewhere))

    expect(notes).toContain(
      'The runs were made under other conditions: cpu_count 2 and 8; kafka 4.3.1 (local) and none.',
    )
  })

  test.each([
    ['with other parameters', { params: { orders: 1_000 } }, /its parameters differ \(orders 20 and 1000\)/],
    [
      'that may not be believed',
      { verdict: 'broken' as const, invalid: ['7 slots were dropped'] },
      /in B it is INVALID, 7 slots/,
    ],
  ])('%s have no figures side by side', (_, record, reason) => {
    const comparison = compareRuns(of({ p50_ms: 3 }), of({ p50_ms: 3 }, record, other))

    expect(comparison.experiments).toEqual([])
    expect(comparison.notes.some((note) => reason.test(note))).toBe(true)
  })

  test('have the curves of both in one chart when the axes are the same', () => {
    const [left, right] = [
      chart({ marks: [{ x: 1, label: 'stopped' }] }),
      chart({ series: [series({ n: 9 })] }),
    ]
    const odd = chart({ title: 'Only in A' })

    const { experiments } = compareRuns(of({}, { charts: [left, odd] }), of({}, { charts: [right] }, other))

    expect(experiments[0]?.charts).toHaveLength(1)
    expect(experiments[0]?.charts[0]?.series.map(({ name, n }) => [name, n])).toEqual([
      ['A: answered', 1_000],
      ['B: answered', 9],
    ])
    expect(experiments[0]?.charts[0]?.marks).toEqual([{ x: 1, label: 'A: stopped' }])
  })
})
