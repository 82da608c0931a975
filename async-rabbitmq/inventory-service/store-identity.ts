import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { derivedId } from '@lab/common/ids.ts'

/**
 * Which store an instance decides on. A file is the same for all who open it on this machine, and a copy of it is another
 * one; memory is nobody else's.
 */
export function storeIdentity(name: string, dataDir: string | undefined): string {
  if (dataDir === undefined) return randomUUID()
  const { dev, ino } = statSync(join(dataDir, `${name}.sqlite`))
  return derivedId('store', hostname(), String(dev), String(ino))
}
