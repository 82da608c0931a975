import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { run } from './check/process.ts'

const root = new URL('..', import.meta.url).pathname
const buildPage = (...args: string[]) => run(`${root}scripts/build-page.ts`, args, { cwd: root })

describe('npm run build-page', () => {
  test('puts the built page where it is told to', async () => {
    const base = mkdtempSync(join(tmpdir(), 'lab-build-page-'))
    onTestFinished(() => rmSync(base, { recursive: true }))
    const out = join(base, 'dist')

    const { code, output } = await buildPage('stack/fixtures/page', '--out', out)

    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(out) })
    expect(readdirSync(out)).toContain('index.html.br')
  })

  test.each([[[]], [['docs']], [['stack/fixtures/page', 'docs']], [['--fast']]])(
    'explains itself and exits 2 when asked for %j',
    async (args) => {
      const { code, output } = await buildPage(...args)

      expect({ code, output }).toEqual({
        code: 2,
        output: expect.stringContaining('Usage: npm run build-page'),
      })
    },
  )
})
