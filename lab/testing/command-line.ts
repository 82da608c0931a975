import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Hopeless, until } from '@lab/kit/wait.ts'
import { RUN_MARKER } from '@lab/stack/process-identity.ts'
import { temporaryFolder } from '@lab/stack/temporary-folder.ts'
import { userId } from '@lab/stack/user.ts'
import { onTestFinished } from 'vitest'

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
  const home = mkdtempSync(join(temporaryFolder().path, 'lab-cli-test-'))
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

export interface NpmScript extends Pick<CommandLine, 'left' | 'out'> {
  /** Of npm, whose process group is its own. */
  pid: number
  /** Resolves when nothing of it runs any more: npm may have ended long before. */
  ended: () => Promise<void>
}

/** Runs npm, or what a terminal is made with, in the background: nothing of it is on a terminal of ours. */
export function startNpmScript(args: string[], { program = 'npm' } = {}): NpmScript {
  const home = mkdtempSync(join(temporaryFolder().path, 'lab-cli-test-'))
  const out = join(home, 'results')
  // The variables of the npm that runs the tests are not those of a shell.
  const env = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  const child = spawn(
    program,
    args.map((arg) => (arg === 'results' ? out : arg)),
    {
      cwd: ROOT,
      env: { ...Object.fromEntries(env), TMPDIR: home, NO_COLOR: '1', CI: '1' },
      stdio: 'ignore',
      detached: true,
    },
  )
  const running = () =>
    readdirSync('/proc').filter(
      (name) => /^\d+$/.test(name) && read(`/proc/${name}/environ`).includes(`TMPDIR=${home}`),
    )
  onTestFinished(() => {
    for (const pid of running()) process.kill(Number(pid), 'SIGKILL')
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  })
  return {
    pid: child.pid!,
    out,
    ended: async () => {
      await until(async () => running().length === 0, {
        what: 'npm and its script to end',
        timeoutMs: 60_000,
      })
    },
    left: () => ({ processes: processesUnder(home), folders: runFolders(home) }),
  }
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null

function runFolders(home: string): string[] {
  const base = join(home, `messaging-lab-${userId()}`)
  return readdirSync(home).includes(`messaging-lab-${userId()}`) ? readdirSync(base) : []
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
