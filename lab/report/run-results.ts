import { basename, join } from 'node:path'
import type { ProfileName } from '../experiments/experiment.ts'
import type { Session } from '../session.ts'
import { withDigest } from './digest.ts'
import { describeBroker, describeEnvironment } from './environment.ts'
import { type ExperimentRecord, Results, SCHEMA_VERSION } from './results.ts'
import { copyLogs, createResultsFolder, writeDocument } from './results-folder.ts'

export interface RunResults {
  /** Where the results are; undefined until the first experiment has ended, since an empty folder tells nobody anything. */
  folder: () => string | undefined
  /** Adds the record and writes the document anew: what is recorded survives a kill of the run. */
  add: (record: ExperimentRecord) => Promise<void>
  records: () => readonly ExperimentRecord[]
  /** Why the results could not be written; verdicts are not lost by it, and the run goes on. */
  trouble: () => Error | undefined
  /**
   * Writes the end of the run and copies the logs, `keepLogs` also those of a run that found nothing out. Answers the
   * document. Called before the session closes.
   */
  finish: (options: { keepLogs: boolean }) => Promise<Results>
}

export interface RunResultsOptions {
  session: Session
  profile: ProfileName
  planned: string[]
  /** The folder that holds a folder for each run. */
  base: string
}

export async function startRunResults({
  session,
  profile,
  planned,
  base,
}: RunResultsOptions): Promise<RunResults> {
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
    complete: planned.every((name) => hasVerdict(experiments, name)),
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
    folder: () => folder,
    records: () => experiments,
    trouble: () => trouble,
    async add(record) {
      experiments.push(record)
      if (folder === undefined && record.verdict === 'interrupted') return // nothing has been found out yet
      await keeping(async () => {
        folder ??= await createResultsFolder(base, startedAt)
        await write()
      })
    },
    async finish({ keepLogs }) {
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

const hasVerdict = (experiments: ExperimentRecord[], name: string): boolean =>
  experiments.some((record) => record.name === name && record.verdict !== 'interrupted')
