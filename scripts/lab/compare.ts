import { resolve } from 'node:path'
import { compareRuns } from '@lab/lab/report/compare.ts'
import { DEFAULT_RESULTS, findRun, replaceFile } from '@lab/lab/run/folder.ts'
import { readResults } from '@lab/lab/run/results.ts'
import type { CompareCommand } from './report-command-line.ts'
import type { Terminal } from './terminal.ts'

/** Shows two recorded runs side by side. Exit code 0 when both could be read. */
export async function compareCommand(
  { runs, out, html }: CompareCommand,
  { print, table }: Terminal,
): Promise<number> {
  const base = out === undefined ? DEFAULT_RESULTS : resolve(out)
  const [a, b] = await Promise.all(runs.map(async (run) => readResults(await findRun(run, base))))
  const comparison = compareRuns(a!, b!)
  table(comparison.verdicts)
  for (const { figures, left } of comparison.experiments) {
    table(figures)
    if (left > 0) print(`  and ${left} more in the results of the runs\n`)
  }
  print(comparison.notes.join('\n'))
  if (html !== undefined) {
    const { comparisonPage } = await import('@lab/lab/report/compare-page.ts')
    const file = resolve(html)
    await replaceFile(file, comparisonPage(comparison))
    print(`Page: ${file}`)
  }
  return 0
}
