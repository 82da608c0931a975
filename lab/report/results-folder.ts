import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { z } from 'zod'
import { fileTrouble, ResultsError } from './results-error.ts'

/** What a run writes at the least. */
const PROBE_BYTES = 1 << 20

/**
 * Throws a `ResultsError` when results could not be written to `base`: known before anything is measured. The nearest
 * folder that exists is tried, so that nothing is made for a run that finds nothing out.
 */
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
