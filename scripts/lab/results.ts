import { dirname, resolve } from 'node:path'
import { DEFAULT_RESULTS, findRun, replaceFile } from '@lab/lab/run/folder.ts'
import { readResults } from '@lab/lab/run/results.ts'
import { doubtsAboutRun, exitCodeOf, tally } from '@lab/lab/run/verdict.ts'
import type { Command } from 'commander'
import { common, notAnOption, openTerminal } from './command-line.ts'

const WHICH = "a folder under results/, a path, or 'latest'"

/** `report` and `compare`: what is done with recorded runs. */
export function addResults(program: Command): void {
  program
    .command('report')
    .summary('the report of a recorded run, made again from its results.json')
    .description(
      'Reads results.json of a recorded run and writes report.html beside it, as every run does at its end. Results that were cut off, edited or written by another version are refused, and an older report stays as it is.',
    )
    .argument('<run>', WHICH)
    .addOption(common.out)
    .addOption(common.verbose)
    .addHelpText(
      'after',
      `
Exit code 0 when its figures may be believed, also where they say no, 1 when they may not, 3 when the machine was too
busy to measure them.`,
    )
    .action(async (run: string, { out }: { out?: string }) => {
      process.exitCode = await report(run, out)
    })
  program
    .command('compare')
    .summary('two recorded runs side by side')
    .description(
      'Shows the verdicts and the figures of two recorded runs side by side, and says which of them differ by more than they move from one repetition to the next. Figures that were measured once in each run cannot tell.',
    )
    .argument('<run>', WHICH)
    .argument('<other-run>', WHICH)
    .option('--html <file>', 'also as a page, with the curves of both runs in the same charts', notAnOption)
    .addOption(common.out)
    .addOption(common.verbose)
    .action((run: string, other: string, options: { out?: string; html?: string }) =>
      compare([run, other], options),
    )
}

const readRun = async (run: string, base: string | undefined) => {
  const file = await findRun(run, base === undefined ? DEFAULT_RESULTS : resolve(base))
  return { file, results: await readResults(file) }
}

async function report(run: string, base: string | undefined): Promise<number> {
  const { print } = openTerminal()
  const { file, results } = await readRun(run, base)
  // Loaded here: the charts' library is large.
  const { writeReport } = await import('@lab/lab/report/page.ts')
  const page = await writeReport(dirname(file), results)
  const doubts = doubtsAboutRun(results)
  for (const { experiment, reason } of doubts) {
    print(`INVALID  ${experiment === undefined ? '' : `${experiment}: `}${reason}`)
  }
  print(`${tally(results)}\nReport: ${page}`)
  if (doubts.length === 0) return 0
  return exitCodeOf(results.experiments.map(({ verdict }) => verdict)) === 3 && results.complete ? 3 : 1
}

async function compare(
  runs: [string, string],
  { out, html }: { out?: string; html?: string },
): Promise<void> {
  const { print, table } = openTerminal()
  const [a, b] = await Promise.all(runs.map((run) => readRun(run, out)))
  // Loaded here: the charts' library is large.
  const { comparisonPage, compareRuns } = await import('@lab/lab/report/compare.ts')
  const comparison = compareRuns(a!.results, b!.results)
  table(comparison.verdicts)
  for (const { figures, left } of comparison.experiments) {
    table(figures)
    if (left > 0) print(`  and ${left} more in the results of the runs\n`)
  }
  print(comparison.notes.join('\n'))
  if (html === undefined) return
  const file = resolve(html)
  await replaceFile(file, comparisonPage(comparison))
  print(`Page: ${file}`)
}
