import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Check } from './finding.ts'
import { runChecks } from './run.ts'

const check = (name: string, run: Check['run']): Check => ({ name, about: '', run })

function captured(): () => string {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  return () => write.mock.calls.map(([text]) => text).join('')
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('the run of all checks', () => {
  test('is clean when only notes were found', async () => {
    const output = captured()

    const clean = await runChecks('/', [check('sizes', () => [{ message: 'median 40', severity: 'note' }])], {
      write: false,
    })

    expect(clean).toBe(true)
    expect(output()).toMatch(/^ok {4}sizes +\d+ ms\n {6}note: median 40\n$/)
  })

  test('fails on a finding and on a check that breaks, and still runs the others', async () => {
    const output = captured()
    const checks = [
      check('one', () => [{ file: 'a.ts', line: 3, message: 'is wrong' }]),
      check('two', () => {
        throw new Error('out of paper')
      }),
      check('three', () => []),
    ]

    expect(await runChecks('/', checks, { write: false })).toBe(false)
    expect(output()).toMatch(
      /fail {2}one .*\n {6}a.ts:3 {2}is wrong\nfail {2}two .*\n.*out of paper[\s\S]*\nok {4}three /,
    )
  })
})
