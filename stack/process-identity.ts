import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { until } from '@lab/kit/wait.ts'
import { statFields } from './proc-stat.ts'
import { descendantsOf } from './process-table.ts'

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  pid: number
  /** When the kernel started it: `<boot id>:<clock ticks>` on Linux, the start date elsewhere. */
  startedAt: string
}

/** The environment variable every child of a run carries; its value is the run's folder. */
export const RUN_MARKER = 'MESSAGING_LAB_RUN'

/** The identity of a running process; undefined when there is none or only its exit status is left. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? linuxStart(pid) : psStart(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt
}

/** Sends SIGKILL to exactly this process, then waits until it is gone. Resolves false when it stays (bounded). */
export async function killAndWait(identity: ProcessIdentity, timeoutMs = 5_000): Promise<boolean> {
  sendSignal(identity, 'SIGKILL')
  try {
    await until(async () => !isAlive(identity), {
      what: `process ${identity.pid} to end`,
      timeoutMs,
      everyMs: 10,
    })
    return true
  } catch {
    // The caller reports a process that SIGKILL does not end (uninterruptible, or owned by someone else).
    return false
  }
}

/** Signals exactly this process; a process that is gone, or a later one with the same pid, is left alone. */
export function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    return process.kill(identity.pid, signal)
  } catch {
    return false // it ended between the two lines
  }
}

/**
 * Every process that carries the marker of this run, grandchildren and daemons included, and what these started: some write
 * over their environment. It finds what a runner started but was killed before it could write down. Linux only: elsewhere
 * the answer is empty.
 */
export function findMarked(runPath: string): ProcessIdentity[] {
  const marked = findByEnv(RUN_MARKER, runPath)
  if (marked.length === 0) return []
  const pids = marked.map(({ pid }) => pid)
  return [...marked, ...descendantsOf(pids).flatMap((pid) => identify(pid) ?? [])]
}

/** Every process of this user that was started with `name=value` in its environment. Linux only, like the above. */
export function findByEnv(name: string, value: string): ProcessIdentity[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => readOrEmpty(`/proc/${pid}/environ`).split('\0').includes(`${name}=${value}`))
    .flatMap((pid) => identify(Number(pid)) ?? [])
}

/** Ends what `find` finds until it finds nothing: a process may start another before it is ended. Bounded. */
export async function endAll(find: () => ProcessIdentity[]): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    const found = find()
    if (found.length === 0) return
    await Promise.all(found.map((one) => killAndWait(one)))
  }
}

/** Pids mean nothing outside their namespace: a run from another container must not be judged from here. */
export function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return 'none'
  }
}

let bootId: string | undefined

function linuxStart(pid: number): string | undefined {
  const fields = statFields(readOrEmpty(`/proc/${pid}/stat`))
  const [state, ticks] = [fields[0], fields[19]]
  // Threads outlive a killed main thread by moments and hold the process's ports meanwhile.
  if (!ticks || ((state === 'Z' || state === 'X') && threadCount(pid) <= 1)) return undefined
  bootId ??= readOrEmpty('/proc/sys/kernel/random/boot_id').trim()
  return `${bootId}:${ticks}`
}

function threadCount(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length
  } catch {
    return 0
  }
}

function psStart(pid: number): string | undefined {
  try {
    const options = { encoding: 'utf8', env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' }, stdio: 'pipe' } as const
    const [state, ...lstart] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], options)
      .trim()
      .split(/\s+/)
    return !state || state.startsWith('Z') ? undefined : lstart.join(' ')
  } catch {
    return undefined // ps exits 1 when there is no such process
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // the process ended, or belongs to someone else
  }
}
