import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { statFields } from './proc-stat.ts'

export interface ProcessRow {
  pid: number
  parent: number
  group: number
}

/** Every process of this machine. */
export function processTable(): ProcessRow[] {
  if (process.platform !== 'linux') return psTable()
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      const [, parent, group] = fieldsOf(pid)
      return group === undefined ? [] : { pid: Number(pid), parent: Number(parent), group: Number(group) }
    })
}

/** What these processes started, and what that started: a server's helpers may have groups and an environment of their own. */
export function descendantsOf(pids: number[], table = processTable()): number[] {
  const children = table.filter(({ pid, parent }) => pids.includes(parent) && !pids.includes(pid))
  if (children.length === 0) return []
  const found = children.map(({ pid }) => pid)
  return [...found, ...descendantsOf(found, table)]
}

function psTable(): ProcessRow[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid='], { encoding: 'utf8' }).trim().split('\n')
  return rows.map((row) => {
    const [pid = 0, parent = 0, group = 0] = row.trim().split(/\s+/).map(Number)
    return { pid, parent, group }
  })
}

function fieldsOf(pid: string): string[] {
  try {
    return statFields(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return [] // it has ended meanwhile
  }
}
