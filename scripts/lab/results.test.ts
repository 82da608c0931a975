import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { experimentRecord, runOf } from '@lab/lab/testing/report-builders.ts'
import { describe, expect, onTestFinished, test } from 'vitest'

const results = runOf([experimentRecord({ data: { p50_us: 3_000 } })])
const NAME = results.run

/** A folder of runs with one run in it, which holds what is given and a report that must survive what goes wrong. */
function runsWith(text: string): string {
  const base = mkdtempSync(join(tmpdir(), 'lab-report-test-'))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
  mkdirSync(join(base, NAME))
  writeFileSync(join(base, NAME, 'results.json'), text)
  writeFileSync(join(base, NAME, 'report.html'), 'an older one')
  return base
}

function lab(...args: string[]) {
  const script = join(import.meta.dirname, '..', 'lab.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('npm run lab -- report', () => {
  test.each([NAME, 'latest'])('makes the report of run %s again', (word) => {
    const base = runsWith(JSON.stringify(results))

    const { status, stdout, stderr } = lab('report', word, '--out', base)

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toBe(`1 of 1 hold\nReport: ${join(base, NAME, 'report.html')}\n`)
    expect(readFileSync(join(base, NAME, 'report.html'), 'utf8')).toContain(
      'Measured as planned, and everything holds.',
    )
  })

  test.each([
    ['may not be believed', 'broken', 1],
    ['was not measured', 'not measured', 3],
  ] as const)('makes the report of a run that %s, and exits otherwise than 0', (_, verdict, code) => {
    const checks = verdict === 'broken' ? [] : experimentRecord().checks
    const invalid = verdict === 'broken' ? {} : { invalid: ['HTTP at 200/s: orders went out late'] }
    const base = runsWith(JSON.stringify(runOf([experimentRecord({ verdict, checks, ...invalid })])))

    const { status, stdout } = lab('report', NAME, '--out', base)

    expect(status).toBe(code)
    expect(stdout).toMatch(/^INVALID {2}rest-baseline: /)
    expect(stdout).toContain(`Report: ${join(base, NAME, 'report.html')}`)
  })

  test.each([
    ['cut off', JSON.stringify(results).slice(0, 300), /results\.json is cut off after 300 characters/],
    [
      'of another version',
      JSON.stringify({ ...results, schema_version: 1 }),
      /schema_version 1; this code reads 5/,
    ],
    [
      'edited into nonsense',
      JSON.stringify({ ...results, complete: 'yes' }),
      /expected boolean.*\n.*at complete/,
    ],
    [
      'edited in a figure',
      JSON.stringify(results).replace('"p50_us":3000', '"p50_us":2000'),
      /was edited after its run, so it proves nothing/,
    ],
  ])('refuses results that were %s with exit code 2, and leaves the older report', (_, text, reason) => {
    const base = runsWith(text)

    const { status, stdout, stderr } = lab('report', NAME, '--out', base)

    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(reason)
    expect(stderr).not.toContain('    at ')
    expect(readFileSync(join(base, NAME, 'report.html'), 'utf8')).toBe('an older one')
    expect(readdirSync(join(base, NAME)).sort()).toEqual(['report.html', 'results.json'])
  })

  test.each([
    [
      ['report', '2026-11-21T10-20-31'],
      /There is no run '2026-11-21T10-20-31'\. Did you mean '2026-11-21T10-20-30'\?/,
    ],
    [['report'], /missing required argument 'run'/],
    [['compare', 'latest'], /missing required argument 'other-run'/],
    [['report', 'latest', '--ouf', 'x'], /unknown option '--ouf'\n\(Did you mean --out\?\)/],
  ])('answers %j with exit code 2 and what there is', (args, reason) => {
    const base = runsWith(JSON.stringify(results))
    const known = args.includes('--ouf') ? args : [...args, '--out', base]

    const { status, stderr } = lab(...known)

    expect(status).toBe(2)
    expect(stderr).toMatch(reason)
  })
})

describe('npm run lab -- compare', () => {
  test('shows two runs side by side, and as a page when asked', () => {
    const base = runsWith(JSON.stringify(results))
    const page = join(base, 'compare.html')

    const { status, stdout } = lab('compare', NAME, 'latest', '--out', base, '--html', page)

    expect(status).toBe(0)
    expect(stdout).toMatch(/Verdicts.*rest-baseline +holds +holds.*p50_us +3,000 +3,000 +±0 % +equal/s)
    expect(stdout).toContain('Both are the same run.')
    expect(readFileSync(page, 'utf8')).toMatch(/<h1>Messaging lab: two runs compared<\/h1>/)
  })

  test('refuses a run that was edited with exit code 2', () => {
    const base = runsWith(JSON.stringify(results).replace('"p50_us":3000', '"p50_us":2000'))

    const { status, stdout, stderr } = lab('compare', NAME, 'latest', '--out', base)

    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/results\.json was edited after its run/)
  })
})
