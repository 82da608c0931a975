import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startChild } from '../child.ts'
import { requireMaven } from './install.ts'
import type { Java } from './java.ts'
import { CACHE_NAME, isComplete, KAFKA_VERSION, kafkaCache, MANIFEST } from './kafka-cache.ts'
import { followDownload, mavenComplaints } from './maven-progress.ts'
import type { BrokerContext } from './types.ts'

const DOWNLOAD_MS = 15 * 60_000
const STALE_MS = 24 * 60 * 60_000

/**
 * The folder with Kafka's jars, from the cache or from Maven Central (about 54 MB, once).
 * A download goes to a folder of its own and is renamed when it is complete: an interrupted one leaves no half cache,
 * and of two runs at once the later one throws its copy away.
 */
export async function kafkaJars(ctx: BrokerContext, java: Java): Promise<string> {
  const { cache, libs } = kafkaCache(ctx.env)
  if (isComplete(libs)) return libs
  const maven = await requireMaven(ctx)
  await mkdir(cache, { recursive: true })
  removeStale(cache)

  const partial = join(cache, `${CACHE_NAME}.part-${randomBytes(4).toString('hex')}`)
  try {
    await download(ctx, { maven, java, target: partial })
    writeManifest(partial)
    publish(partial, libs)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  return libs
}

function writeManifest(libs: string): void {
  const jars = readdirSync(libs).filter((name) => name.endsWith('.jar'))
  if (!jars.some((name) => name.startsWith('kafka_'))) throw new Error(`Maven left no Kafka in ${libs}`)
  const sizes = Object.fromEntries(jars.map((name) => [name, statSync(join(libs, name)).size]))
  writeFileSync(join(libs, MANIFEST), JSON.stringify(sizes))
}

function publish(partial: string, libs: string): void {
  if (existsSync(libs) && !isComplete(libs)) {
    const damaged = `${libs}.part-${randomBytes(4).toString('hex')}`
    renameSync(libs, damaged)
    rmSync(damaged, { recursive: true, force: true })
  }
  try {
    renameSync(partial, libs)
  } catch (err) {
    // Another run was faster; its copy is as good as ours.
    if (!isComplete(libs)) throw err
  }
}

/** Folders of downloads that were killed. A running one is younger than a day. */
function removeStale(cache: string): void {
  for (const name of readdirSync(cache).filter((entry) => entry.startsWith(`${CACHE_NAME}.part-`))) {
    const modified = statSync(join(cache, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - modified > STALE_MS) rmSync(join(cache, name), { recursive: true, force: true })
  }
}

interface Download {
  maven: string
  java: Java
  target: string
}

async function download(ctx: BrokerContext, { maven, java, target }: Download): Promise<void> {
  const logFile = join(await ctx.run.sub('logs'), 'maven.log')
  const pom = join(import.meta.dirname, 'kafka-pom.xml')
  ctx.progress(`Kafka ${KAFKA_VERSION}: downloading from Maven Central (about 54 MB, kept for the next time)`)
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${target}`]
  const child = await startChild({
    run: ctx.run,
    name: 'maven',
    command: maven,
    // Maven's settings, its repository and a proxy are the user's own: it runs in the user's environment.
    args: ['-B', '-f', pom, ...goal],
    env: { ...ctx.env, JAVA_HOME: java.home },
    logFile,
  })
  const stop = () => void child.kill()
  const limit = setTimeout(stop, DOWNLOAD_MS)
  ctx.signal?.addEventListener('abort', stop)
  const unfollow = followDownload(logFile, (text) => ctx.progress(`Kafka ${KAFKA_VERSION}: ${text}`))
  try {
    const { code } = await child.exited
    ctx.signal?.throwIfAborted()
    if (code !== 0) {
      throw new Error(`Maven could not download Kafka (all it said: ${logFile})\n${mavenComplaints(logFile)}`)
    }
  } finally {
    unfollow()
    clearTimeout(limit)
    ctx.signal?.removeEventListener('abort', stop)
  }
}
