import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { statFields } from './proc-stat.ts'
import { until } from './wait.ts'

const STOPS_WITHIN_MS = 10_000

/** Signals every process of a group; nobody left in it is no error. */
export function signalGroup(pgid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pgid, signal)
  } catch {
    // Nobody is left in its group: the usual case.
  }
}

/**
 * SIGSTOP to a group; resolves when all of it stands still. The signal alone is only a request: on a busy machine a process
 * goes on, and answers, until the kernel has come round to each of its threads.
 */
export async function pauseGroup(pgid: number): Promise<void> {
  signalGroup(pgid, 'SIGSTOP')
  await until(async () => statesOf(pgid).every((state) => /^[TtZX]/.test(state)), {
    what: `process group ${pgid} to stand still`,
    timeoutMs: STOPS_WITHIN_MS,
    everyMs: 5,
  })
}

/** One letter for each thread of the group (Linux), or for each process. */
function statesOf(pgid: number): string[] {
  if (process.platform === 'linux') return membersOf(pgid).flatMap(threadStates)
  const rows = execFileSync('ps', ['-A', '-o', 'pgid=,state='], { encoding: 'utf8' }).trim().split('\n')
  return rows
    .map((row) => row.trim().split(/\s+/))
    .flatMap(([id, state = '']) => (Number(id) === pgid ? state : []))
}

const membersOf = (pgid: number) =>
  readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && Number(fieldsOf(`/proc/${pid}/stat`)[2]) === pgid)

function threadStates(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((id) => fieldsOf(`/proc/${pid}/task/${id}/stat`)[0] ?? [])
  } catch {
    return [] // it has ended meanwhile
  }
}

function fieldsOf(file: string): string[] {
  try {
    return statFields(readFileSync(file, 'utf8'))
  } catch {
    return [] // it has ended meanwhile
  }
}
