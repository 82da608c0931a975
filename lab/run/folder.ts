import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import type { z } from 'zod'
import { didYouMean } from '../near.ts'

/** What a run writes at the least. */
const PROBE_BYTES = 1 << 20

/** Throws a `ResultsError` when results could not be written to `base`, before anything is measured or made. */
export async function refuseUnwritable(base: string): Promise<void> {
  const nearest = nearestOf(base)
  let probe: string | undefined
  try {
    probe = await mkdtemp(join(nearest, '.messaging-lab-'))
    await writeFile(join(probe, 'probe'), Buffer.alloc(PROBE_BYTES))
  } catch (err) {
    throw new ResultsError(
      `Results cannot be written to ${base}: ${fileTrouble(err)}. Name another folder with --out.`,
      { cause: err },
    )
  } finally {
    if (probe !== undefined) await rm(probe, { recursive: true, force: true })
  }
}

const nearestOf = (folder: string): string =>
  existsSync(folder) || folder === dirname(folder) ? folder : nearestOf(dirname(folder))

/** Creates `<base>/<UTC time of the run>`; two runs of the same second get a folder each. Answers its path. */
export async function createResultsFolder(base: string, startedAt: Date): Promise<string> {
  await mkdir(base, { recursive: true }).catch((err: unknown) => {
    throw new ResultsError(`${base} cannot be made: ${fileTrouble(err)}`, { cause: err })
  })
  const stamp = startedAt.toISOString().slice(0, 19).replaceAll(':', '-')
  for (let attempt = 1; ; attempt++) {
    const folder = join(base, attempt === 1 ? stamp : `${stamp}-${attempt}`)
    try {
      await mkdir(folder)
      return folder
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err
    }
  }
}

/** Writes a document that its schema accepts; anything else throws and leaves the file as it was. */
export async function writeDocument<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  document: z.output<Schema>,
): Promise<void> {
  await replaceFile(file, textOf(schema, document))
}

/**
 * Replaces a file in one step: a reader, and a run that is killed here, see the old content or the new one. When that
 * cannot be done, the old content stays, no half of the new one is left, and a `ResultsError` says why.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const next = `${file}.next`
  try {
    await writeFile(next, text)
    await rename(next, file)
  } catch (err) {
    await rm(next, { force: true }).catch(() => {}) // the first error is the one to act on
    throw new ResultsError(`${file} cannot be written: ${fileTrouble(err)}`, { cause: err })
  }
}

/** The JSON text of a document, checked as a reader would check it: `undefined` and `NaN` do not survive JSON. */
export function textOf<Schema extends z.ZodType>(schema: Schema, document: z.output<Schema>): string {
  const text = JSON.stringify(document, null, 2)
  schema.parse(JSON.parse(text))
  return `${text}\n`
}

/** Copies what the run has logged so far to `<folder>/logs`. A run that has logged nothing has no such folder. */
export async function copyLogs(runPath: string, folder: string): Promise<void> {
  await cp(join(runPath, 'logs'), join(folder, 'logs'), { recursive: true }).catch(
    (err: NodeJS.ErrnoException) => {
      if (err.code !== 'ENOENT') throw err
    },
  )
}

export const DEFAULT_RESULTS = join(dirname(import.meta.dirname), '..', 'results')

/** A recorded run that cannot be read, or a file that cannot be written. The message says what to do about it. */
export class ResultsError extends Error {}

/** What the system says about a file, without its path. */
export function fileTrouble(err: unknown): string {
  const { errno, message } = err as NodeJS.ErrnoException
  return (errno !== undefined && getSystemErrorMessage(errno)) || message
}

const FILE = 'results.json'
const NAMED_AT_MOST = 5

/** The `results.json` that `word` stands for: `latest`, a folder under `base`, or a path; else a `ResultsError`. */
export async function findRun(word: string, base: string): Promise<string> {
  if (word === 'latest') return latest(base)
  for (const path of [join(base, word), resolve(word)]) {
    const found = await kindOf(path)
    if (found === 'file') return path
    if (found === 'folder') return fileIn(path)
  }
  throw new ResultsError(`There is no run '${word}'.${await describeRuns(base, word)}`)
}

/** The names of the runs under `base`, the latest first. */
export async function listRuns(base: string): Promise<string[]> {
  const entries = await readdir(base).catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return []
    throw new ResultsError(`${base} cannot be read: ${fileTrouble(err)}`, { cause: err })
  })
  const kinds = await Promise.all(entries.map((name) => kindOf(join(base, name, FILE))))
  const names = entries.filter((_, at) => kinds[at] === 'file')
  // `…-10` is later than `…-2`: runs of one second are counted.
  return names.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
}

async function latest(base: string): Promise<string> {
  const [name] = await listRuns(base)
  if (name === undefined) throw new ResultsError(`There is no run in ${base} yet: \`npm run lab\` makes one.`)
  return join(base, name, FILE)
}

async function fileIn(folder: string): Promise<string> {
  const file = join(folder, FILE)
  if ((await kindOf(file)) === 'file') return file
  throw new ResultsError(`${folder} has no ${FILE}.`)
}

async function describeRuns(base: string, word: string): Promise<string> {
  const runs = await listRuns(base)
  if (runs.length === 0) return ` ${base} has no run yet: \`npm run lab\` makes one.`
  const named = runs.slice(0, NAMED_AT_MOST)
  const more = runs.length > named.length ? ` and ${runs.length - named.length} older` : ''
  return `${didYouMean(basename(word), runs)} In ${base}, latest first: ${named.join(', ')}${more}`
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ResultsError(`${path} cannot be read: ${fileTrouble(err)}`, { cause: err })
  }
}
