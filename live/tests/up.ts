import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Hopeless, until } from '@lab/kit/wait.ts'
import { temporaryFolder } from '@lab/stack/temporary-folder.ts'

export interface Up {
  /** The live page. */
  url: string
  /** Runs another command of the lab against this `up`; answers what it printed, and rejects when it fails. */
  run(...args: string[]): Promise<string>
  close(): Promise<void>
}

const SCRIPT = resolve(import.meta.dirname, '../../scripts/lab.ts')
const START_MS = 150_000

/** `npm run lab -- up`, as a person starts it, with a temporary folder of its own. */
export async function up(parts: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Up> {
  const home = mkdtempSync(join(temporaryFolder().path, 'lab-live-test-'))
  const start = (args: string[]) => {
    const child = spawn(process.execPath, [SCRIPT, ...args], {
      env: {
        ...process.env,
        TMPDIR: home,
        LIVE_RESULTS: join(home, 'results'),
        NO_COLOR: '1',
        CI: '1',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk
      })
    return { child, closed: once(child, 'close'), said: () => text }
  }
  const { child, closed, said } = start(['up', ...parts, '--ports', 'free'])
  const close = async () => {
    if (isRunning(child)) child.kill('SIGINT')
    await closed
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
  const isUp = async () => {
    if (said().includes('Ctrl-C stops everything')) return true
    if (!isRunning(child)) throw new Hopeless(`it ended first:\n${said()}`)
    return false
  }
  try {
    await until(isUp, { what: '`up` to be up', timeoutMs: START_MS, detail: said })
  } catch (err) {
    await close()
    throw err
  }
  return {
    url: /in a browser: (\S+)/.exec(said())![1]!,
    async run(...args) {
      const command = start(args)
      const [code] = await command.closed
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}:\n${command.said()}`)
      return command.said()
    },
    close,
  }
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null
