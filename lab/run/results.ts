import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import type { ProfileName } from '../experiments/experiment.ts'
import { copyLogs, createResultsFolder, fileTrouble, ResultsError, writeDocument } from './folder.ts'
import { describeBroker, describeEnvironment } from './provenance.ts'
import { type ExperimentRecord, Results, SCHEMA_VERSION } from './schema.ts'
import type { Session } from './session.ts'

export type RunResults = Awaited<ReturnType<typeof startRunResults>>

interface RunResultsOptions {
  session: Session
  profile: ProfileName
  planned: string[]
  /** The folder that holds a folder for each run. */
  base: string
}

export async function startRunResults(options: RunResultsOptions) {
  const { session, profile, planned, base } = options
  const startedAt = new Date()
  const environment = await describeEnvironment()
  const experiments: ExperimentRecord[] = []
  let folder: string | undefined
  let trouble: Error | undefined

  const content = (endedAt?: Date): Omit<Results, 'digest'> => ({
    schema_version: SCHEMA_VERSION,
    run: folder === undefined ? session.run.id : basename(folder),
    profile,
    started_at: startedAt.toISOString(),
    ...(endedAt && { ended_at: endedAt.toISOString() }),
    complete: planned.every((name) =>
      experiments.some((record) => record.name === name && record.verdict !== 'interrupted'),
    ),
    environment,
    brokers: session.brokers().map(describeBroker),
    planned,
    experiments,
  })
  const write = async (endedAt?: Date) => {
    if (folder !== undefined)
      await writeDocument(join(folder, 'results.json'), Results, withDigest(content(endedAt)))
  }
  /** What a disk does must not lose what was found out: the first error is kept, and the next write tries again. */
  const keeping = async (work: () => Promise<void>) => {
    try {
      await work()
    } catch (err) {
      trouble ??= err as Error
    }
  }
  return {
    /** Where the results are; undefined until the first experiment has ended, since an empty folder tells nobody anything. */
    folder: () => folder,
    records: () => experiments,
    /** Why the results could not be written; verdicts are not lost by it, and the run goes on. */
    trouble: () => trouble,
    /** Adds the record and writes the document anew: what is recorded survives a kill of the run. */
    async add(record: ExperimentRecord): Promise<void> {
      experiments.push(record)
      if (folder === undefined && record.verdict === 'interrupted') return // nothing has been found out yet
      await keeping(async () => {
        folder ??= await createResultsFolder(base, startedAt)
        await write()
      })
    },
    /** Writes the end of the run and copies the logs, with `keepLogs` also those of a run that found nothing out. */
    async finish({ keepLogs }: { keepLogs: boolean }): Promise<Results> {
      const endedAt = new Date()
      await keeping(async () => {
        if (keepLogs) folder ??= await createResultsFolder(base, startedAt)
        await write(endedAt)
        if (folder !== undefined) await copyLogs(session.run.path, folder)
      })
      return withDigest(content(endedAt))
    },
  }
}

const NAMED_AT_MOST = 5

/** Reads a `results.json`; one of another version, cut off or edited by hand is a `ResultsError` that says so. */
export async function readResults(file: string): Promise<Results> {
  const text = await readFile(file, 'utf8').catch((err: unknown) => {
    throw new ResultsError(`${file} cannot be read: ${fileTrouble(err)}`, { cause: err })
  })
  return parseResults(text, file)
}

/** `name` is how messages call the document. */
export function parseResults(text: string, name: string): Results {
  const document = parseJson(text, name)
  refuseOtherVersion(document, name)
  const results = Results.safeParse(document)
  if (!results.success) {
    const named = z.prettifyError({ issues: results.error.issues.slice(0, NAMED_AT_MOST) })
    throw new ResultsError(`${name} is not as a run writes it:\n${named}`)
  }
  refuseOtherDigest(document as Record<string, unknown>, name)
  return results.data
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (err) {
    const what = text.trimEnd().endsWith('}') ? 'is not JSON' : `is cut off after ${text.length} characters`
    throw new ResultsError(`${name} ${what}: ${(err as Error).message}`, { cause: err })
  }
}

const Versioned = z.object({
  schema_version: z.unknown(),
  environment: z.object({ git_commit: z.string().optional() }).optional().catch(undefined),
})

function refuseOtherVersion(document: unknown, name: string): void {
  const { success, data } = Versioned.safeParse(document)
  if (!success || data.schema_version === undefined) {
    throw new ResultsError(`${name} has no schema_version: it is not the results.json of a run`)
  }
  if (data.schema_version === SCHEMA_VERSION) return
  const commit = data.environment?.git_commit
  const writer = commit === undefined ? '' : ` The code that wrote it is commit ${commit}.`
  throw new ResultsError(
    `${name} has schema_version ${JSON.stringify(data.schema_version)}; this code reads ${SCHEMA_VERSION}.${writer}`,
  )
}

/** Of the text, not of what the schema took from it: a field that was added is an edit too. */
function refuseOtherDigest(document: Record<string, unknown>, name: string): void {
  const digest = digestOf(document)
  if (document.digest === digest) return
  throw new ResultsError(
    `${name} was edited after its run, so it proves nothing: its content has the digest ${short(digest)}, the run wrote ${short(document.digest)}`,
  )
}

/** Enough of a digest to see that two differ. */
const short = (digest: unknown) => `${String(digest).slice(0, 'sha256:'.length + 12)}…`

/**
 * What a `results.json` carries about its own content: whoever changes a figure by hand leaves a digest that does not
 * match. It is no signature: somebody who means to deceive can compute it anew. Neither the layout of the file nor the
 * order of its fields is content, so a formatter that went over it has changed nothing.
 */
export function digestOf({ digest: _, ...content }: Record<string, unknown>): string {
  return `sha256:${hash('sha256', JSON.stringify(content, sorted))}`
}

export const withDigest = (content: Omit<Results, 'digest'>): Results => ({
  ...content,
  digest: digestOf(content),
})

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
