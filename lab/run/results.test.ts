import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newBase } from '@lab/stack/fixtures/lab.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { chart, experimentRecord, runOf, series } from '../testing/report-builders.ts'
import { ResultsError } from './folder.ts'
import { parseResults, readResults, startRunResults } from './results.ts'
import type { ExperimentRecord, Results } from './schema.ts'
import { openSession } from './session.ts'

test('a disk that fails loses no verdict: the document is answered, and the first error is kept', async () => {
  const { signal } = new AbortController()
  const session = await openSession({ env: {}, signal, progress: () => {}, base: newBase() })
  onTestFinished(() => session.close())
  const base = join(newBase(), 'results')
  const planned = ['rest-baseline', 'rest-delay']
  const recorder = await startRunResults({ session, profile: 'quick', planned, base })

  await recorder.add(experimentRecord())
  rmSync(base, { recursive: true })
  writeFileSync(base, 'a file in its place')
  await recorder.add(experimentRecord({ name: 'rest-delay' }))
  const results = await recorder.finish({ keepLogs: false })

  expect(results.experiments.map(({ name, verdict }) => [name, verdict])).toEqual([
    ['rest-baseline', 'holds'],
    ['rest-delay', 'holds'],
  ])
  expect(recorder.trouble()?.message).toMatch(/results\.json cannot be written: not a directory/)
})

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
      /schema_version 7; this code reads 5.*0123456789/,
    ],
    ['of another kind', '{"bench": "throughput"}', /no schema_version/],
    ['that was cut off', edited({}).slice(0, 200), /cut off after 200 characters/],
    ['that is empty', '\n', /cut off/],
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

    await expect(readResults(file)).rejects.toThrow(
      /results\.json cannot be read: illegal operation on a directory/,
    )
    writeFileSync(join(folder, 'file'), '')
    await expect(readResults(join(folder, 'file', 'results.json'))).rejects.toThrow(
      /cannot be read: not a directory/,
    )
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
