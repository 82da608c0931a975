import { statSync } from 'node:fs'
import { homedir } from 'node:os'

/** The number of the user, also of one that the user list does not know; -1 where users have none. */
export const userId = (): number => process.getuid?.() ?? -1

/** The user's home. Undefined when none is known, or when it does not exist: the lab makes no homes. */
export function userHome(): string | undefined {
  try {
    const home = homedir()
    return statSync(home).isDirectory() ? home : undefined
  } catch {
    return undefined // no HOME and no entry in the user list, or a HOME that is not there
  }
}
