import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import { RUN_MARKER } from '../stack/process-identity.ts'
import { Hopeless, until } from '../stack/wait.ts'

export interface CommandLine {
  stdout: () => string
  stderr: () => string
  /** Resolves when the text has been written, on whichever of the two; rejects when the command ends before. */
  says: (text: string | RegExp, timeoutMs?: number) => Promise<void>
  signal: (name: NodeJS.Signals) => void
  /** The exit code, once it has ended. */
  ended: (timeoutMs?: number) => Promise<number | null>
  /** Processes of its runs that are still there, and run folders. Both empty when it has cleaned up. */
  left: () => { processes: string[]; folders: string[] }
  /** Where its results go with `--out results`. */
  out: string
}

const ROOT = resolve(import.meta.dirname, '../..')

/** Runs a script of the repository as a person would, with a temporary folder of its own: what it leaves there shows. */
export function startCommandLine(script: string, args: string[], env: NodeJS.ProcessEnv = {}): CommandLine {
  const home = mkdtempSync(join(tmpdir(), 'lab-cli-test-'))
  const out = join(home, 'results')
  const child = spawn(process.execPath, [join(ROOT, script), ...args], {
    cwd: home,
    env: { ...process.env, TMPDIR: home, NO_COLOR: '1', CI: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    text.stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    text.stderr += chunk
  })
  const closed = once(child, 'close')
  onTestFinished(async () => {
    if (isRunning(child)) child.kill('SIGKILL')
    await closed
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  })
  return {
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    out,
    async says(words, timeoutMs = 60_000) {
      const said = async () => {
        if (text.stdout.match(words) || text.stderr.match(words)) return true
        if (!isRunning(child)) throw new Hopeless(`it ended first:\n${text.stdout}\n${text.stderr}`)
        return false
      }
      await until(said, { what: `the command to say ${words}`, timeoutMs, detail: () => text.stderr })
    },
    signal: (name) => void child.kill(name),
    async ended(timeoutMs = 60_000) {
      await until(async () => !isRunning(child), {
        what: 'the command to end',
        timeoutMs,
        detail: () => text.stderr,
      })
      await closed
      return child.exitCode
    },
    left: () => ({ processes: processesUnder(home), folders: runFolders(home) }),
  }
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null

function runFolders(home: string): string[] {
  const base = join(home, `messaging-lab-${userInfo().uid}`)
  return readdirSync(home).includes(`messaging-lab-${userInfo().uid}`) ? readdirSync(base) : []
}

/** Every process that carries the marker of a run in this folder, daemons and grandchildren included. */
function processesUnder(home: string): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/environ`).includes(`${RUN_MARKER}=${home}`))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // it ended, or belongs to someone else
  }
}
