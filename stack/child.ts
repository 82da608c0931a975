import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { within } from '@lab/kit/wait.ts'
import type { Owner } from './outside.ts'
import { pauseGroup, signalFamily, signalGroup } from './process-group.ts'
import { identify, killAndWait, RUN_MARKER } from './process-identity.ts'
import { descendantsOf } from './process-table.ts'
import type { RunDir } from './run-dir.ts'

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface ChildOptions {
  run: RunDir
  name: string
  command: string
  args: string[]
  /** The whole environment: nothing is inherited, only the run's marker is added. */
  env: Record<string, string | undefined>
  /** stdout and stderr are appended to this file. */
  logFile: string
  cwd?: string
  /** Whom it runs as, when not as the runner. */
  owner?: Owner | undefined
}

/** A process of this run, in a process group of its own: Ctrl-C in the terminal does not reach it. */
export interface Child {
  pid: number
  exited: Promise<Exit>
  isRunning(): boolean
  signal(signal: NodeJS.Signals): void
  /** Stops its whole process group, a command that a shell waits for included; resolves when all stand still. */
  pause(): Promise<void>
  resume(): void
  /** SIGTERM or another signal, and SIGKILL when `graceMs` were not enough. Resolves when the process is gone. */
  stop(graceMs: number, signal?: NodeJS.Signals): Promise<Exit>
  /** SIGKILL to it and to what it started; resolves when all are gone. */
  kill(): Promise<Exit>
}

/** After SIGKILL the kernel needs moments; more means that the process cannot be ended at all. */
const KILL_MS = 10_000

/** Resolves once the process exists and is written down in the run; rejects when it cannot be started. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const log = openSync(options.logFile, 'a', 0o600)
  const child = spawn(options.command, options.args, {
    env: { ...options.env, [RUN_MARKER]: options.run.path },
    stdio: ['ignore', log, log],
    detached: true,
    ...(options.cwd && { cwd: options.cwd }),
    ...options.owner,
  })
  closeSync(log)
  const exit = Promise.withResolvers<Exit>()
  child.once('exit', (code, signal) => {
    signalGroup(child.pid!, 'SIGKILL') // a shell that was ended leaves the command behind that it was waiting for
    exit.resolve({ code, signal })
  })
  await once(child, 'spawn') // rejects with the 'error' event: no such command, not executable
  const pid = child.pid!
  await options.run.track({ pid, name: options.name })
  const exited = exit.promise.then(async (how) => {
    await options.run.untrack(pid)
    return how
  })

  const isRunning = () => child.exitCode === null && child.signalCode === null
  const kill = async () => {
    const others = isRunning() ? descendantsOf([pid]).flatMap((one) => identify(one) ?? []) : []
    child.kill('SIGKILL')
    const exit = await within(exited, KILL_MS, `${options.name} (${pid}) to end after SIGKILL`)
    await Promise.all(others.map((one) => killAndWait(one)))
    return exit
  }
  return {
    pid,
    exited,
    isRunning,
    signal: (signal) => void child.kill(signal),
    pause: async () => {
      if (isRunning()) await pauseGroup(pid)
    },
    resume: () => {
      if (isRunning()) signalFamily(pid, 'SIGCONT')
    },
    kill,
    async stop(graceMs, signal = 'SIGTERM') {
      if (isRunning()) signalFamily(pid, 'SIGCONT') // a paused process would keep the signal pending
      child.kill(signal)
      return within(exited, graceMs, `${options.name} (${pid}) to end after ${signal}`).catch(kill)
    },
  }
}
