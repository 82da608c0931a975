import { randomBytes } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '@lab/kit/errors.ts'
import { isPlain } from '../../temporary-folder.ts'
import { onPath, requirePiece } from '../pieces.ts'
import type { Piece, ServerContext } from '../server.ts'
import { CACHE_NAME, cacheFolder, isComplete, KAFKA_VERSION, MANIFEST } from './cache.ts'
import type { Java } from './java.ts'
import { downloadJars } from './maven.ts'

export const mavenPiece: Piece = {
  label: `Maven, to download Kafka ${KAFKA_VERSION}`,
  packages: {
    debian: ['maven'],
    fedora: 'maven',
    brew: 'maven',
  },
}

const STALE_MS = 24 * 60 * 60_000

/**
 * The folder with Kafka's jars, from the cache or from Maven Central (about 54 MB, once).
 * A download goes to a folder of its own and is renamed when it is complete: an interrupted one leaves no half cache,
 * and of two runs at once the later one throws its copy away. Where nothing can be cached, it is the run's alone.
 */
export async function kafkaJars(ctx: ServerContext, java: Java): Promise<string> {
  const cache = cacheFolder(ctx.env)
  const own = join(ctx.run.path, CACHE_NAME)
  const found = [...(cache ? [join(cache, CACHE_NAME)] : []), own].find(isComplete)
  if (found !== undefined) return asClasspath(found, ctx)

  const maven = await requirePiece(mavenPiece, ctx, (env) => onPath('mvn', env))
  const what = `Kafka ${KAFKA_VERSION}`
  ctx.progress(`${what}: downloading from Maven Central (about 54 MB)`)
  const pom = join(import.meta.dirname, 'pom.xml')
  const jars = await downloadJars(ctx, { maven, java, pom, what })
  writeManifest(jars)
  try {
    if (cache === undefined) throw new Error('there is no home for it, and XDG_CACHE_HOME names no other')
    const kept = keep(jars, cache)
    rmSync(jars, { recursive: true, force: true })
    return asClasspath(kept, ctx)
  } catch (err) {
    ctx.progress(`${what} is not kept for the next time: ${messageOf(err)}`)
    renameSync(jars, own)
    return own
  }
}

/** Java splits its class path at colons, and in a plain locale it reads no letter beyond ASCII: then by a link. */
function asClasspath(libs: string, { run }: ServerContext): string {
  if (isPlain(libs)) return libs
  const link = join(run.path, 'kafka-libs')
  if (!existsSync(link)) symlinkSync(libs, link)
  return link
}

function keep(jars: string, cache: string): string {
  mkdirSync(cache, { recursive: true })
  removeStale(cache)
  const libs = join(cache, CACHE_NAME)
  const partial = join(cache, `${CACHE_NAME}.part-${randomBytes(4).toString('hex')}`)
  try {
    cpSync(jars, partial, { recursive: true })
    publish(partial, libs)
    return libs
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
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
