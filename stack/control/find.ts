import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive, pidNamespace } from '../process-identity.ts'
import { runsFolder } from '../run-dir.ts'
import { readRecord } from '../run-record.ts'
import { SOCKET } from './protocol.ts'

export interface FoundControl {
  run: string
  /** Of the runner. */
  pid: number
  openedAt: string
  path: string
}

/** The control sockets of this user's runs whose runner is alive, oldest first. */
export function findControls(base = runsFolder()): FoundControl[] {
  const names = existsSync(base) ? readdirSync(base).sort() : []
  return names.flatMap((name) => {
    const path = join(base, name, SOCKET)
    const record = readRecord(join(base, name))
    if (!record || !existsSync(path) || record.pidNamespace !== pidNamespace() || !isAlive(record.runner))
      return []
    return [{ run: record.id, pid: record.runner.pid, openedAt: record.openedAt, path }]
  })
}
