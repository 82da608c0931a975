import { chownSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { userId } from './user.ts'

/** Everybody may enter it, which is not sure of the user's own temporary folder. */
const PARENT = '/tmp'

export interface Owner {
  uid: number
  gid: number
}

/**
 * A new folder of a run for a process of another user, who may not enter the run's own. It has a name that
 * tells whose it is, and goes with the run.
 */
export function createOutside(runId: string, name: string, { uid, gid }: Owner): string {
  const folder = join(PARENT, `${prefixOf(runId)}${name}`)
  mkdirSync(folder, { mode: 0o700 }) // somebody else's folder of that name is an error
  chownSync(folder, uid, gid)
  return folder
}

/** Removes the folders of a run outside of its own. */
export function removeOutside(runId: string): void {
  for (const name of readdirSync(PARENT).filter((one) => one.startsWith(prefixOf(runId)))) {
    rmSync(join(PARENT, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}

const prefixOf = (runId: string): string => `messaging-lab-${userId()}.${runId}.`
