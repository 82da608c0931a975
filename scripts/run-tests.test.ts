import { execFile } from 'node:child_process'
import { accessSync, constants, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const parts = ['sync-rest', 'async-rabbitmq', 'streaming-kafka']
const scriptOf = (part: string, within = root) => join(within, part, 'tests', 'run_tests.sh')

interface Ended {
  code: number
  output: string
}

const run = (script: string, args: string[], cwd: string): Promise<Ended> =>
  new Promise((ended) => {
    execFile(script, args, { cwd, timeout: 50_000 }, (err, stdout, stderr) => {
      ended({ code: err ? Number(err.code ?? -1) : 0, output: stdout + stderr })
    })
  })

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'run-tests '))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

describe('run_tests.sh', () => {
  test.each(parts)('of %s can be executed, and is that of the other parts', (part) => {
    accessSync(scriptOf(part), constants.X_OK)

    expect(readFileSync(scriptOf(part), 'utf8')).toBe(readFileSync(scriptOf(parts[0]!), 'utf8'))
  })

  test('runs the tests of its part from any folder, and passes its arguments on', async () => {
    const args = ['--reporter=verbose', 'order-service/config.test.ts', '-t', 'names every variable']

    const { code, output } = await run(scriptOf('sync-rest'), args, temporaryFolder())

    expect(code, output).toBe(0)
    expect(output).toMatch(/✓.*sync-rest\/order-service\/config.test.ts.*names every variable/)
    expect(output).not.toMatch(/✓.*has the ports/)
    expect(output).not.toMatch(/async-rabbitmq|streaming-kafka|common\//)
  })

  test('says what to do where nothing is installed', async () => {
    const copy = temporaryFolder()
    mkdirSync(join(copy, 'sync-rest', 'tests'), { recursive: true })
    cpSync(scriptOf('sync-rest'), scriptOf('sync-rest', copy))

    const { code, output } = await run(scriptOf('sync-rest', copy), [], tmpdir())

    expect(code).toBe(2)
    expect(output).toBe(`Nothing is installed yet: run \`npm ci\` in ${copy} first.\n`)
  })
})
