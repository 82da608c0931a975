import { dirname, resolve } from 'node:path'
import { DEFAULT_RESULTS, findRun } from '@lab/lab/run/folder.ts'
import { readResults } from '@lab/lab/run/results.ts'
import { doubtsAboutRun, exitCodeOf, tally } from '@lab/lab/run/verdict.ts'
import type { ReportCommand } from './report-command-line.ts'
import type { Terminal } from './terminal.ts'

/**
 * Makes the report of a recorded run again. Exit code 0 when its figures may be believed, also where they say no; else 1,
 * or 3 when nothing is wrong but that the machine was too busy to measure.
 */
export async function reportCommand({ run, out }: ReportCommand, { print }: Terminal): Promise<number> {
  const file = await findRun(run, out === undefined ? DEFAULT_RESULTS : resolve(out))
  const results = await readResults(file)
  // Loaded here: the charts' library is large.
  const { writeReport } = await import('@lab/lab/report/page.ts')
  const report = await writeReport(dirname(file), results)
  const doubts = doubtsAboutRun(results)
  for (const { experiment, reason } of doubts) {
    print(`INVALID  ${experiment === undefined ? '' : `${experiment}: `}${reason}`)
  }
  print(`${tally(results)}\nReport: ${report}`)
  if (doubts.length === 0) return 0
  return exitCodeOf(results.experiments.map(({ verdict }) => verdict)) === 3 && results.complete ? 3 : 1
}
