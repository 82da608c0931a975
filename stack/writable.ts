import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'

/** True when a folder can be written to, or could be made: the nearest folder of its path that exists then counts. */
export function isWritable(folder: string): boolean {
  if (!existsSync(folder)) return folder !== dirname(folder) && isWritable(dirname(folder))
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
