import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openRunDir } from '@lab/stack/run-dir.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startCommandLine } from '../testing/command-line.ts'
import { type Mutation, prove, unfitChecks } from './prove.ts'
import { copyRepository } from './scratch.ts'

const REAL = resolve(import.meta.dirname, '../..')

const double = 'export const double = (n: number): number => n * 2\n'
const doubleTest = `import { expect, test } from 'vitest'
import { double } from './double.ts'
test('doubles two', () => expect(double(2)).toBe(4))
test('doubles three', () => expect(double(3)).toBe(6))
`
const redTest = `import { expect, test } from 'vitest'
test('is red anyway', () => expect(1).toBe(2))
`

/** A small repository, copied as the real one is, and nothing left of either in the end. */
async function bench() {
  const home = mkdtempSync(join(tmpdir(), 'lab-prove-test-'))
  const root = join(home, 'small')
  const files = {
    'double.ts': double,
    'double.test.ts': doubleTest,
    'red.test.ts': redTest,
    'package.json': '{}',
  }
  mkdirSync(join(root, 'lab/prove'), { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text)
  cpSync(join(import.meta.dirname, 'unit.config.ts'), join(root, 'lab/prove/unit.config.ts'))
  symlinkSync(join(REAL, 'node_modules'), join(root, 'node_modules'))
  const run = await openRunDir({ base: join(home, 'runs') })
  onTestFinished(async () => {
    await run.close()
    rmSync(home, { recursive: true })
  })
  const copy = join(run.path, 'copy')
  await copyRepository(root, copy)
  return { run, root: copy, env: {}, signal: new AbortController().signal }
}

const mutation = (replace: string, overrides: Partial<Mutation> = {}): Mutation => ({
  name: 'double-broken',
  breaks: 'it doubles',
  file: 'double.ts',
  find: 'n * 2',
  replace,
  check: { test: 'double.test.ts' },
  ...overrides,
})

describe('a mutation', () => {
  test('is caught by the test that fails, survives where none does, and is taken back', async () => {
    const here = await bench()

    expect(await prove(mutation('n + 2'), here)).toMatchObject({ verdict: 'caught', by: 'doubles three' })
    expect(await prove(mutation('n + n'), here)).toMatchObject({ verdict: 'survived' })
    expect(readFileSync(join(here.root, 'double.ts'), 'utf8')).toBe(double)
  })

  test('that keeps its check from running is not caught by that', async () => {
    const here = await bench()

    expect(await prove(mutation('n * )'), here)).toMatchObject({ verdict: 'no proof' })
    expect(await prove(mutation('n', { find: 'n * 3' }), here)).toMatchObject({
      verdict: 'no proof',
      by: expect.stringContaining('0 times'),
    })
  })
})

test('a check that is red without a mutation, is not there or tests nothing is unfit', async () => {
  const here = await bench()
  const check = (test: string, title?: string) => mutation('', { check: { test, ...(title && { title }) } })

  expect(
    await unfitChecks([check('double.test.ts'), check('red.test.ts'), check('none.test.ts')], here),
  ).toEqual(
    new Map([
      ['red.test.ts', 'it fails without a mutation: is red anyway'],
      ['none.test.ts', 'it was not run'],
    ]),
  )
  expect(await unfitChecks([check('double.test.ts', 'halves')], here)).toEqual(
    new Map([['double.test.ts', 'it has no such test']]),
  )
})

describe('npm run lab -- prove', () => {
  const nothing = { processes: [], folders: [] }

  test('catches what it breaks in a copy, and leaves nothing', async () => {
    const only = ['stock-negative', 'ledger-ignores-doubled']
    const lab = startCommandLine('scripts/lab.ts', [
      'prove',
      '--json',
      ...only.flatMap((name) => ['--only', name]),
    ])

    expect(await lab.ended(), lab.stderr()).toBe(0)

    expect(JSON.parse(lab.stdout())).toMatchObject(only.map((name) => ({ name, verdict: 'caught' })))
    expect(lab.left()).toEqual(nothing)
  })

  test('stops at Ctrl-C, and leaves nothing', async () => {
    const lab = startCommandLine('scripts/lab.ts', ['prove', '--only', 'ledger'])
    await lab.says('- 1/')

    lab.signal('SIGINT')

    expect(await lab.ended(), lab.stderr()).toBe(130)
    expect(lab.left()).toEqual(nothing)
  })
})
