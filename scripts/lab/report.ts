import { dirname, resolve } from 'node:path'
import { findRun } from '@lab/lab/report/find-run.ts'
import { readResults } from '@lab/lab/report/read-results.ts'
import { DEFAULT_RESULTS } from '@lab/lab/report/results-folder.ts'
import { tally } from '@lab/lab/report/summary.ts'
import { doubtsAboutRun } from '@lab/lab/report/validity.ts'
import { writeReport } from '@lab/lab/report/write-report.ts'
import type { ReportCommand } from './report-command-line.ts'
import type { Terminal } from './terminal.ts'

/** Makes the report of a recorded run again. Exit code 0 when it was written, whatever it says. */
export async function reportCommand({ run, out }: ReportCommand, { print }: Terminal): Promise<number> {
  const file = await findRun(run, out === undefined ? DEFAULT_RESULTS : resolve(out))
  const results = await readResults(file)
  const report = await writeReport(dirname(file), results)
  for (const { experiment, reason } of doubtsAboutRun(results)) {
    print(`INVALID  ${experiment === undefined ? '' : `${experiment}: `}${reason}`)
  }
  print(`${tally(results)}\nReport: ${report}`)
  return 0
}
