import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { LabError } from '@lab/kit/errors.ts'

/**
 * Makes this process the only order service on its folder: a second one would take the orders in flight here for those
 * of a crash, and release their stock. The operating system lifts the lock when the process ends, however it ends.
 */
export function lockDataDir(service: string, dataDir: string | undefined): { release: () => void } {
  if (dataDir === undefined) return { release: () => {} }
  mkdirSync(dataDir, { recursive: true })
  const lock = new DatabaseSync(join(dataDir, `${service}.lock`))
  try {
    lock.exec('PRAGMA busy_timeout = 1000; BEGIN EXCLUSIVE')
  } catch (cause) {
    throw new LabError('LAB_CONFIG_INVALID', `DATA_DIR='${dataDir}': another ${service} uses it`, { cause })
  }
  return { release: () => lock.close() }
}
