import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { until } from '@lab/kit/wait.ts'
import { statFields } from './proc-stat.ts'
import { descendantsOf, processTable } from './process-table.ts'

const STOPS_WITHIN_MS = 10_000

/** Signals every process of a group; nobody left in it is no error. */
export function signalGroup(pgid: number, signal: NodeJS.Signals): void {
  signalOne(-pgid, signal)
}

/** Signals a group, and what its processes started in groups of their own, as PostgreSQL does. */
export function signalFamily(pgid: number, signal: NodeJS.Signals): void {
  signalGroup(pgid, signal)
  for (const pid of familyOf(pgid).filter((pid) => pid !== pgid)) signalOne(pid, signal)
}

/**
 * SIGSTOP to a group and what it started; resolves when all of it stands still. The signal alone is only a request: on a busy
 * machine a process goes on, and answers, until the kernel has come round to each of its threads.
 */
export async function pauseGroup(pgid: number): Promise<void> {
  const standsStill = async () => {
    signalFamily(pgid, 'SIGSTOP') // again and again: one may have been started meanwhile
    return statesOf(familyOf(pgid)).every((state) => /^[TtZX]/.test(state))
  }
  await until(standsStill, {
    what: `process group ${pgid} to stand still`,
    timeoutMs: STOPS_WITHIN_MS,
    everyMs: 5,
  })
}

/** The processes of a group and all that they started. */
function familyOf(pgid: number): number[] {
  const table = processTable()
  const members = table.filter(({ group }) => group === pgid).map(({ pid }) => pid)
  return [...members, ...descendantsOf(members, table)]
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended, or nobody is left in the group: the usual case.
  }
}

/** One letter for each thread (Linux), or for each process. */
function statesOf(pids: number[]): string[] {
  if (process.platform === 'linux') return pids.flatMap(threadStates)
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,state='], { encoding: 'utf8' }).trim().split('\n')
  return rows
    .map((row) => row.trim().split(/\s+/))
    .flatMap(([id, state = '']) => (pids.includes(Number(id)) ? state : []))
}

function threadStates(pid: number): string[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    return threads.flatMap((id) => stateIn(`/proc/${pid}/task/${id}/stat`) ?? [])
  } catch {
    return [] // it has ended meanwhile
  }
}

function stateIn(file: string): string | undefined {
  try {
    return statFields(readFileSync(file, 'utf8'))[0]
  } catch {
    return undefined // it has ended meanwhile
  }
}
