import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const guarded = ['--import', './scripts/require-node.mjs', 'scripts/check.ts', '--help']

/** The machine's own Node, where it is an older one: the case the guard is for. */
function olderNode(): string | undefined {
  return ['/usr/bin/node', '/usr/local/bin/node'].filter(existsSync).find((node) => {
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout
    return Number(version.slice(1).split('.')[0]) < 24
  })
}

describe('the Node guard', () => {
  test('lets the pinned Node through', () => {
    const { status, stdout } = spawnSync(process.execPath, guarded, { cwd: root, encoding: 'utf8' })

    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('Usage') })
  })

  test.skipIf(!olderNode())(
    'says one line and exits 2 on an older Node (skipped where none is installed)',
    () => {
      const { status, stdout, stderr } = spawnSync(olderNode()!, guarded, { cwd: root, encoding: 'utf8' })

      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(stderr).toMatch(/^This lab runs on Node 24 and this is v\d+\.\d+\.\d+\. .*npm ci.*\n$/)
    },
  )
})
