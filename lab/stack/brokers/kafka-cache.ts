import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

export const KAFKA_VERSION = '4.3.1'
export const CACHE_NAME = `kafka-${KAFKA_VERSION}`
/** The list of jars and their sizes, written last. */
export const MANIFEST = 'manifest.json'

const Manifest = z.record(z.string(), z.number())

/** True when the jars are in the cache, so that neither Maven nor a network is needed. */
export function kafkaIsCached(env: NodeJS.ProcessEnv): boolean {
  return isComplete(kafkaCache(env).libs)
}

/** The folder of the lab's downloads, and the one in it that holds Kafka's jars. */
export function kafkaCache(env: NodeJS.ProcessEnv): { cache: string; libs: string } {
  const home = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(homedir(), '.cache')
  const cache = join(home, 'messaging-lab')
  return { cache, libs: join(cache, CACHE_NAME) }
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
