import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

export interface BuildPageOptions {
  /** Files and folders outside the page's own that its sources import; absolute. */
  sources?: readonly string[]
  /** Where builds are kept; `node_modules/.cache/pages` of the repository by default. */
  cache?: string
  env?: NodeJS.ProcessEnv
  progress?: (text: string) => void
  signal?: AbortSignal | undefined
}

const ROOT = resolve(import.meta.dirname, '..')
const BUILD_MS = 180_000
const STALE_MS = 7 * 24 * 60 * 60_000

/** Folders that are no source of a build. */
const NO_SOURCE = new Set(['node_modules', 'dist', '__tests__', '.git'])

/**
 * The folder with the built page, for `pageRoutes`. Vite runs when no build of these very sources is there yet. A build
 * appears whole or not at all, under a name that tells what it was made of: of two builders at once the later one throws
 * its copy away, and a page that is being served is never touched.
 *
 * @param folder the page's `index.html`, `vite.config.ts` and `package.json`; its own Vite builds it
 */
export async function buildPage(folder: string, options: BuildPageOptions = {}): Promise<string> {
  const { sources = [], cache = join(ROOT, 'node_modules/.cache/pages'), env = process.env } = options
  const name = relative(ROOT, folder).replaceAll(/[^\w-]+/g, '-')
  const target = join(cache, `${name}-${fingerprint([folder, ...sources], env)}`)
  if (existsSync(target)) return target

  options.progress?.(`${name}: building the page`)
  await mkdir(cache, { recursive: true })
  removeStale(cache, name)
  const partial = join(cache, `${name}-part-${randomBytes(4).toString('hex')}`)
  try {
    await runVite(folder, partial, { env, signal: options.signal })
    await compress(partial)
    publish(partial, target)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  return target
}

/** Changes with every source, with every version that is installed, and with what Vite reads of the environment. */
function fingerprint(sources: readonly string[], env: NodeJS.ProcessEnv): string {
  const hash = createHash('sha256')
  const lock = join(ROOT, 'package-lock.json')
  for (const file of [...(existsSync(lock) ? [lock] : []), ...sources.flatMap(filesOf)]) {
    hash
      .update(`${relative(ROOT, file)}\0`)
      .update(readFileSync(file))
      .update('\0')
  }
  const variables = Object.entries(env).filter(([variable]) => variable.startsWith('VITE_'))
  hash.update(JSON.stringify(variables.sort()))
  return hash.digest('hex').slice(0, 16)
}

function filesOf(source: string): string[] {
  if (statSync(source).isFile()) return [source]
  const entries = readdirSync(source, { withFileTypes: true }).filter(({ name }) => !NO_SOURCE.has(name))
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => filesOf(join(source, entry.name)))
    .filter((file) => !/\.(test|spec)\.ts$/.test(file))
}

async function runVite(
  folder: string,
  outDir: string,
  { env, signal }: Pick<BuildPageOptions, 'env' | 'signal'>,
): Promise<void> {
  const vite = join(
    dirname(createRequire(join(folder, 'package.json')).resolve('vite/package.json')),
    'bin/vite.js',
  )
  const args = [vite, 'build', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn']
  try {
    await promisify(execFile)(process.execPath, args, {
      cwd: folder,
      // A test runner's own NODE_ENV would make it a build for development.
      env: { ...env, NODE_ENV: 'production', NO_COLOR: '1' },
      timeout: BUILD_MS,
      ...(signal && { signal }),
    })
  } catch (err) {
    signal?.throwIfAborted()
    const { stdout = '', stderr = '', killed } = err as { stdout?: string; stderr?: string; killed?: boolean }
    const why = killed ? `it took longer than ${BUILD_MS / 1000} s` : `${stdout}${stderr}`.trim()
    throw new Error(`the page in ${folder} cannot be built: ${why || String(err)}`, { cause: err })
  }
}

const COMPRESSIBLE = new Set([
  '.html',
  '.js',
  '.css',
  '.svg',
  '.json',
  '.map',
  '.txt',
  '.webmanifest',
  '.wasm',
])

/** Once, as small as it gets: `pageRoutes` sends these files as they are. */
async function compress(dir: string): Promise<void> {
  const files = filesOf(dir).filter((file) => COMPRESSIBLE.has(extname(file)))
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }
  for (const file of files) {
    const content = readFileSync(file)
    const br = await promisify(brotliCompress)(content, quality)
    const gz = await promisify(gzip)(content, { level: 9 })
    if (br.length < content.length) writeFileSync(`${file}.br`, br)
    if (gz.length < content.length) writeFileSync(`${file}.gz`, gz)
  }
}

function publish(partial: string, target: string): void {
  try {
    renameSync(partial, target)
  } catch (err) {
    // Another builder was faster; its copy is as good as ours.
    if (!existsSync(target)) throw err
  }
}

/** Builds of sources that have changed since, and what killed builders left. One that is served may be days old. */
function removeStale(cache: string, name: string): void {
  for (const entry of readdirSync(cache).filter((one) => basename(one).startsWith(`${name}-`))) {
    const modified = statSync(join(cache, entry), { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - modified > STALE_MS) rmSync(join(cache, entry), { recursive: true, force: true })
  }
}
