import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LabError } from '@lab/kit/errors.ts'
import { z } from 'zod'
import type { RunFigures, RunShown } from '../../wire/experiments.ts'

const MOST_RUNS = 20

const axis = z.object({ label: z.string(), unit: z.string(), scale: z.string() })
/** Of a `results.json` what is shown here; the report of the run says all of it, and whether it was edited. */
const Results = z.object({
  profile: z.string(),
  started_at: z.string(),
  complete: z.boolean(),
  experiments: z.array(
    z.object({
      name: z.string(),
      question: z.string(),
      verdict: z.string(),
      duration_seconds: z.number(),
      reading: z.array(z.string()).default([]),
      checks: z.array(z.object({ name: z.string(), holds: z.boolean(), detail: z.string() })),
      charts: z
        .array(
          z.object({
            title: z.string(),
            x: axis,
            y: axis,
            series: z.array(
              z.object({
                name: z.string(),
                points: z.array(z.tuple([z.number(), z.number().nullable()])),
                step: z.boolean().optional(),
              }),
            ),
          }),
        )
        .default([]),
    }),
  ),
})
type Results = z.infer<typeof Results>

export interface ResultsFolder {
  /** Newest first. */
  runs(): Promise<RunShown[]>
  figures(id: string): Promise<RunFigures>
  /** The report as it is: a page without scripts. */
  report(id: string): Promise<string>
}

/** What runs have left under results/. Nothing there is written or believed: what cannot be read is not listed. */
export function openResults(folder: string): ResultsFolder {
  const known = new Map<string, { modified: number; run: RunShown | undefined }>()

  const shown = async (id: string): Promise<RunShown | undefined> => {
    const modified = (await stat(join(folder, id, 'results.json')).catch(() => undefined))?.mtimeMs
    if (modified === undefined) return undefined
    const cached = known.get(id)
    if (cached?.modified === modified) return cached.run
    const results = await read(id).catch(() => undefined)
    const run = results && {
      id,
      profile: results.profile,
      started_at: results.started_at,
      complete: results.complete,
      verdicts: results.experiments.map(({ name, verdict }) => ({ name, verdict })),
    }
    known.set(id, { modified, run })
    return run
  }
  const read = async (id: string): Promise<Results> =>
    Results.parse(JSON.parse(await readFile(join(folder, id, 'results.json'), 'utf8')))

  /** A name that was listed: no path leads out of the folder. */
  const requireListed = async (id: string) => {
    if (!(await namesIn(folder)).includes(id)) throw new LabError('LAB_NOT_FOUND', `There is no run '${id}'`)
  }

  return {
    async runs() {
      const names = (await namesIn(folder)).sort().reverse().slice(0, MOST_RUNS)
      return (await Promise.all(names.map(shown))).filter((run) => run !== undefined)
    },
    async figures(id) {
      await requireListed(id)
      const { profile, experiments } = await read(id)
      const has_report = (await stat(join(folder, id, 'report.html')).catch(() => undefined)) !== undefined
      return { id, profile, has_report, experiments } as RunFigures
    },
    async report(id) {
      await requireListed(id)
      return readFile(join(folder, id, 'report.html'), 'utf8').catch(() => {
        throw new LabError('LAB_NOT_FOUND', `The run '${id}' has no report yet`)
      })
    },
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory() && /^\d{4}-/.test(entry.name)).map(({ name }) => name)
}
