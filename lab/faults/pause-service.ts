import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { isFree } from '@lab/kit/store.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import type { RunningTrio } from '../trio.ts'

const TRIES = 50
const AGAIN_MS = 20

/** Where part B's inventory keeps its stock when it is durable; part C has no such file. */
export const stockFileOf = ({ dataDir = '' }: RunningTrio) =>
  join(dataDir, 'inventory-service', 'inventory-service.sqlite')

/**
 * Stops a service between two transactions of its store. In the midst of one it would hold the file, and nobody could
 * take over from it, however long one waits. Without a store in this file it stops anywhere.
 */
export async function pauseBetweenTransactions(service: ServiceProcess, file: string): Promise<void> {
  for (let n = 0; n < TRIES; n++) {
    service.pause()
    if (!existsSync(file) || isFileFree(file)) return
    service.resume()
    await sleep(AGAIN_MS)
  }
  throw new Error(`${service.name} was within a transaction at each of ${TRIES} moments`)
}

function isFileFree(file: string): boolean {
  const db = new DatabaseSync(file)
  try {
    return isFree(db)
  } finally {
    db.close()
  }
}
