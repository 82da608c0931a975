import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newBase } from '@lab/stack/fixtures/lab.ts'
import { describe, expect, test } from 'vitest'
import { findRun, listRuns } from './find-run.ts'

const names = [
  '2026-11-21T10-20-30',
  '2026-11-21T10-20-30-2',
  '2026-11-21T10-20-30-10',
  '2026-11-20T09-00-00',
]

function someRuns(): string {
  const base = newBase()
  for (const name of names) {
    mkdirSync(join(base, name))
    writeFileSync(join(base, name, 'results.json'), '{}')
  }
  mkdirSync(join(base, '2026-11-22T00-00-00'))
  writeFileSync(join(base, '2026-11-22T00-00-00', 'bench.json'), '{}')
  return base
}

describe('findRun', () => {
  test.each([
    ['the name of its folder', () => names[0]!],
    ['the path of its folder', (base: string) => join(base, names[0]!)],
    ['the path of its file', (base: string) => join(base, names[0]!, 'results.json')],
  ])('finds a run by %s', async (_, word) => {
    const base = someRuns()

    expect(await findRun(word(base), base)).toBe(join(base, names[0]!, 'results.json'))
  })

  test('finds the latest run, also of several that began in one second', async () => {
    const base = someRuns()

    expect(await findRun('latest', base)).toBe(join(base, '2026-11-21T10-20-30-10', 'results.json'))
    expect(await listRuns(base)).toHaveLength(names.length)
  })

  test('suggests the nearest and names the latest when there is no such run', async () => {
    const base = someRuns()

    await expect(findRun('2026-11-20T09-00-01', base)).rejects.toThrow(
      /no run '2026-11-20T09-00-01'\. Did you mean '2026-11-20T09-00-00'\?.*latest first: 2026-11-21T10-20-30-10, /,
    )
  })

  test.each([
    ['a benchmark', '2026-11-22T00-00-00', /has no results\.json\. It holds a benchmark/],
    ['latest', 'latest', /There is no run in .*: `npm run lab` makes one/],
    ['anything', 'anything', /has no run yet: `npm run lab` makes one/],
  ])('says what to do about %s where there is no run', async (_, word, message) => {
    const base = word.startsWith('2026') ? someRuns() : join(newBase(), 'results')

    await expect(findRun(word, base)).rejects.toThrow(message)
  })

  test('says that a folder cannot be read', async () => {
    const base = join(newBase(), 'results')
    writeFileSync(base, 'a file')

    await expect(findRun('latest', base)).rejects.toThrow(
      /results cannot be read: a folder in its path is a file/,
    )
  })
})
