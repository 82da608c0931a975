import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { userHome } from '../../user.ts'

export const KAFKA_VERSION = '4.3.1'
export const CACHE_NAME = `kafka-${KAFKA_VERSION}`
/** The list of jars and their sizes, written last. */
export const MANIFEST = 'manifest.json'

const Manifest = z.record(z.string(), z.number())

/** True when the jars are in the cache, so that neither Maven nor a network is needed. */
export function kafkaIsCached(env: NodeJS.ProcessEnv): boolean {
  const cache = cacheFolder(env)
  return cache !== undefined && isComplete(join(cache, CACHE_NAME))
}

/** The folder of the lab's downloads. Undefined where the user has no home and names no other place. */
export function cacheFolder(env: NodeJS.ProcessEnv): string | undefined {
  const home = userHome()
  const caches = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : home && join(home, '.cache')
  return caches && join(caches, 'messaging-lab')
}

/** Complete means: every jar of the manifest is there in its size. Somebody may have cleaned up the cache. */
export function isComplete(libs: string): boolean {
  try {
    const manifest = Manifest.parse(JSON.parse(readFileSync(join(libs, MANIFEST), 'utf8')))
    return Object.entries(manifest).every(([name, size]) => statSync(join(libs, name)).size === size)
  } catch {
    return false
  }
}
