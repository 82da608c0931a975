import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from '@lab/stack/child.ts'
import { openRunDir } from '@lab/stack/run-dir.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { joinRunDir } from './join-run-dir.ts'

async function openRun() {
  const base = mkdtempSync(join(tmpdir(), 'lab-join-'))
  const run = await openRunDir({ base })
  onTestFinished(async () => {
    await run.close()
    rmSync(base, { recursive: true, force: true })
  })
  return run
}

describe('a joined run directory', () => {
  // Elsewhere than on Linux no process can be asked for its environment.
  test.runIf(process.platform === 'linux')(
    'leaves its processes to the runner, which ends them',
    async () => {
      const run = await openRun()
      const joined = joinRunDir({ id: run.id, path: run.path })
      const child = await startChild({
        run: joined,
        name: 'sleeper',
        command: process.execPath,
        args: ['-e', 'setInterval(() => {}, 1_000)'],
        env: {},
        logFile: join(await joined.sub('logs'), 'sleeper.log'),
      })

      await joined.close()
      expect(child.isRunning()).toBe(true)

      await run.close()
      expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' })
    },
  )
})
