import { describe, expect, test } from 'vitest'
import { run } from './check/process.ts'

const root = new URL('..', import.meta.url).pathname
const check = (...args: string[]) => run(`${root}scripts/check.ts`, args, { cwd: root })

describe('npm run check', () => {
  test('runs the one check it is asked for', async () => {
    const { code, output } = await check('config-pages')

    expect(code).toBe(0)
    expect(output.match(/^(ok|fail) /gm)).toHaveLength(1)
  })

  test('suggests the nearest name and exits 2 when there is no such check', async () => {
    const { code, output } = await check('boundries')

    expect({ code, output }).toEqual({
      code: 2,
      output: expect.stringContaining(`Did you mean 'boundaries'?`),
    })
  })

  test('explains itself and exits 2 on an unknown option', async () => {
    const { code, output } = await check('--fast')

    expect({ code, output }).toEqual({ code: 2, output: expect.stringContaining('Usage: npm run check') })
  })
})
