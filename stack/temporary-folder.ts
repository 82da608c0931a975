import { accessSync, constants, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'

/** What every server takes in a path: Kafka splits at commas, RabbitMQ breaks at letters beyond ASCII, Java at colons. */
const PLAIN = /^[\w./+@~=-]+$/
/** A socket's path has room for 104 characters on macOS; a run needs some 40 of them below this folder. */
const LONGEST = 64
const SAFE = ['/tmp', '/var/tmp']

export interface TemporaryFolder {
  path: string
  /** Why it is not the one that the user named; undefined when it is. */
  instead?: string
}

/**
 * Where runs are: the temporary folder of the user, or `/tmp` or `/var/tmp` where servers could not work in that one.
 * Throws when none of them will do, and says what is wrong with the user's.
 */
export function temporaryFolder(named = tmpdir()): TemporaryFolder {
  const path = resolve(named)
  const trouble = troubleWith(path)
  if (trouble === undefined) return { path }
  const safe = SAFE.find((folder) => troubleWith(folder) === undefined)
  if (safe === undefined)
    throw new Error(`the temporary folder ${shown(path)} ${trouble}: set TMPDIR to another`)
  return { path: safe, instead: `TMPDIR ${shown(path)} ${trouble}: this run is in ${safe}` }
}

/** True when no server and no tool stumbles over the path. */
export const isPlain = (path: string): boolean => PLAIN.test(path)

function troubleWith(path: string): string | undefined {
  if (!isPlain(path)) return 'has characters that not every server takes in a path'
  if (path.length > LONGEST)
    return `is longer than the ${LONGEST} characters that leave room for a server's files`
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return 'is not a folder'
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return undefined
  } catch {
    return 'cannot be written to'
  }
}

const shown = (path: string) => JSON.stringify(path)
