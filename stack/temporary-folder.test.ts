import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

const root = () => {
  const path = mkdtempSync('/tmp/lab-tmp-')
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test("is the user's own where servers can work in it", () => {
  const path = root()

  expect(temporaryFolder(path)).toEqual({ path })
})

test.each([
  'a,b',
  'a b',
  'Häuser',
  '日本',
  'c:d',
  `it's`,
  'a"b',
  'per%cent',
  '$HOME',
  'new\nline',
  'back\\slash',
])('is a plain one instead of %j, and says so', (name) => {
  const path = join(root(), name)
  mkdirSync(path)

  const { path: chosen, instead } = temporaryFolder(path)

  expect(chosen).toMatch(/^(\/var)?\/tmp$/)
  expect(instead).toMatch(/^TMPDIR ".*has characters that not every server takes/)
})

test('is another one when the path leaves no room for a socket', () => {
  const path = join(root(), 'x'.repeat(80))
  mkdirSync(path)

  expect(temporaryFolder(path).instead).toContain('longer than the 64 characters')
})

test('is another one when it does not exist, so that none is made', () => {
  expect(temporaryFolder(join(root(), 'none')).instead).toContain('is not a folder')
})

test.skipIf(process.getuid?.() === 0)('is another one when it cannot be written to', () => {
  const path = root()
  chmodSync(path, 0o500)

  expect(temporaryFolder(path).instead).toContain('cannot be written to')
})
