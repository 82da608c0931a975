import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newBase } from '@lab/stack/fixtures/lab.ts'
import { describe, expect, test } from 'vitest'
import { Histogram } from '../load/histogram.ts'
import { chart, check, experimentRecord, runOf, series } from '../testing/report-builders.ts'
import { parseResults, readResults } from './read-results.ts'
import type { ExperimentRecord, Results } from './results.ts'
import { ResultsError } from './results-error.ts'

const parse = (text: string) => parseResults(text, 'results.json')
const edited = (record: Partial<ExperimentRecord>, run: Partial<Results> = {}) =>
  JSON.stringify(runOf([experimentRecord(record)], run))

describe('a results file', () => {
  test('is read as it was written', () => {
    const results = runOf([
      experimentRecord({ charts: [chart()], invalid: ['too late'], verdict: 'not measured' }),
    ])

    expect(parse(JSON.stringify(results))).toEqual(results)
  })

  test.each([
    [
      'of another version',
      edited({}, { schema_version: 7 as never }),
      /schema_version 7; this code reads 3.*0123456789/,
    ],
    ['of another kind', '{"bench": "throughput"}', /no schema_version/],
    ['that was cut off', edited({}).slice(0, 200), /cut off after 200 characters/],
    ['that is empty', '\n', /is empty/],
    ['that is not JSON', '{"schema_version": 2,, }', /is not JSON/],
    [
      'with a word for a number',
      edited({ duration_seconds: '1' as never }),
      /experiments\[0\]\.duration_seconds/,
    ],
    ['with a verdict of its own', edited({ verdict: 'splendid' as never }), /experiments\[0\]\.verdict/],
    [
      'with half a point',
      edited({ charts: [chart({ series: [series({ points: [[1] as never] })] })] }),
      /points\[0\]/,
    ],
  ])('%s is refused', (_, text, message) => {
    expect(() => parse(text)).toThrow(ResultsError)
    expect(() => parse(text)).toThrow(message)
  })

  test('that nobody may read is refused with the reason', async () => {
    const folder = newBase()
    const file = join(folder, 'results.json')
    mkdirSync(file)

    await expect(readResults(file)).rejects.toThrow(/results\.json cannot be read: it is a folder/)
    writeFileSync(join(folder, 'file'), '')
    await expect(readResults(join(folder, 'file', 'results.json'))).rejects.toThrow(/is a file/)
  })
})

describe('a results file that was edited by hand', () => {
  const results = runOf([experimentRecord({ data: { p50_us: 3_000 }, tables: [latencyTable()] })])
  const text = JSON.stringify(results, null, 2)

  test.each([
    ['a figure', text.replace('"p50_us": 3000', '"p50_us": 2000')],
    ['a cell of a table', text.replace('"3.00"', '"2.00"')],
    ['what a check has seen', text.replace('seen: the ledger', 'seen: all of the ledger')],
    ['whether a check voids the figures', text.replace(/,\s*"voids": true/, '')],
    ['the commit', text.replace('0123456789ab', 'ba9876543210')],
    ['a field that no run writes', text.replace('{', '{ "approved": true,')],
    ['the digest', text.replace(/sha256:./, (found) => (found.endsWith('0') ? 'sha256:1' : 'sha256:0'))],
  ])('is refused: %s', (_, edit) => {
    expect(edit).not.toBe(text)
    expect(() => parse(edit)).toThrow(ResultsError)
    expect(() => parse(edit)).toThrow(
      /results\.json was edited after its run, so it proves nothing: .*sha256:/,
    )
  })

  test('is read when only its layout and the order of its fields changed', () => {
    const { schema_version, ...rest } = results

    expect(parse(JSON.stringify({ ...rest, schema_version }))).toEqual(results)
  })

  test('is refused without a digest', () => {
    const { digest: _, ...rest } = results

    expect(() => parse(JSON.stringify(rest))).toThrow(/digest/)
  })

  function latencyTable() {
    return { title: 'Latency', columns: ['p50 ms'], rows: [['3.00']] }
  }
})

const histogram = () => {
  const made = new Histogram()
  for (const us of [10, 20, 30]) made.record(us)
  return made.toJSON()
}
const quantiles = (points: [number, number][]) =>
  chart({ x: { label: 'Percentile', unit: '%', scale: 'percentile' }, series: [series({ points })] })

describe('figures that contradict each other are refused', () => {
  test.each([
    [
      'holds with a failing check',
      edited({ checks: [check('the ledger balances', false)] }),
      /verdict: .*'holds', but the check 'the ledger balances' does not hold/,
    ],
    ['holds without a check', edited({ checks: [] }), /verdict: .*0 checks/],
    ['holds and yet may not be believed', edited({ invalid: ['too late'] }), /verdict/],
    ['holds with an error', edited({ error: 'inventory ended' }), /verdict: .*inventory ended/],
    [
      'broken with nothing that does not hold',
      edited({ verdict: 'broken' }),
      /verdict: it is 'broken', but 2 checks, and all hold/,
    ],
    ['an error without one', edited({ verdict: 'error' }), /'error' without an error/],
    [
      'complete without an experiment',
      edited({}, { planned: ['rest-baseline', 'kafka-lag'] }),
      /complete: it is true/,
    ],
    ['an experiment nobody planned', edited({}, { planned: [] }), /planned: rest-baseline/],
    ['an end before the start', edited({}, { ended_at: '2026-11-20T00:00:00.000Z' }), /ended_at/],
    ['an experiment of less than no time', edited({ duration_seconds: -1 }), /duration_seconds/],
    [
      'a curve of no samples',
      edited({ charts: [chart({ series: [series({ n: 0 })] })] }),
      /series\[0\] \(answered\)\.n/,
    ],
    [
      'a percentile below a lower one',
      edited({
        charts: [
          quantiles([
            [50, 4],
            [90, 3],
          ]),
        ],
      }),
      /percentile 90 is 3/,
    ],
    [
      'a p99 below the p95',
      edited({ data: { round: { count: 5_000, p95_us: 9, p99_us: 8 } } }),
      /data\.round\.p99_us: 8/,
    ],
    [
      'a p99 of twenty samples',
      edited({ data: { rounds: [{ count: 20, p99_us: 8 }] } }),
      /rounds\[0\]\.p99_us: 20 samples/,
    ],
    [
      'a histogram whose counts do not add up',
      edited({ data: { h: { ...histogram(), count: 4 } } }),
      /data\.h: not a histogram/,
    ],
  ])('%s', (_, text, message) => {
    expect(() => parse(text)).toThrow(message)
  })

  test('an experiment that is there twice', () => {
    const text = JSON.stringify(runOf([experimentRecord(), experimentRecord()]))

    expect(() => parse(text)).toThrow(/rest-baseline is there twice/)
  })
})
