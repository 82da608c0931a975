import { resolve } from 'node:path'
import { messageOf } from '@lab/kit/errors.ts'
import { partsOf } from '@lab/lab/experiments/context.ts'
import type { Experiment } from '@lab/lab/experiments/experiment.ts'
import { experiments, tour } from '@lab/lab/experiments/index.ts'
import { compareStyles } from '@lab/lab/report/compare-styles.ts'
import type { Reporter } from '@lab/lab/report/progress.ts'
import { DEFAULT_RESULTS, refuseUnwritable, textOf } from '@lab/lab/run/folder.ts'
import { createMeasuring } from '@lab/lab/run/measure-again.ts'
import { recordExperiment } from '@lab/lab/run/record.ts'
import { type RunResults, startRunResults } from '@lab/lab/run/results.ts'
import { type ExperimentRecord, Results } from '@lab/lab/run/schema.ts'
import type { Session } from '@lab/lab/run/session.ts'
import {
  doubtsAbout,
  exitCodeOf,
  keyFigures,
  summaryTable,
  tally,
  verdictDetails,
  verdictLine,
} from '@lab/lab/run/verdict.ts'
import { composeStarter } from '@lab/stack/compose/starter.ts'
import { chooseExperiments, refuseUnfit } from './choose.ts'
import type { RunCommand } from './command-line.ts'
import { startBrokers } from './start-brokers.ts'
import type { Terminal } from './terminal.ts'
import { withSession } from './with-session.ts'

/** Runs the experiments one after the other and shows each. For its exit code see `exitCodeOf`. */
export async function runCommand(command: RunCommand, terminal: Terminal): Promise<number> {
  const inTour = command.against === 'compose' ? tour.filter(({ isOfServer }) => !isOfServer) : tour
  const chosen = command.names === 'all' ? inTour : chooseExperiments(command.names, experiments)
  refuseUnfit(chosen, command, experiments)
  const base = command.out === undefined ? DEFAULT_RESULTS : resolve(command.out)
  await refuseUnwritable(base)
  const planned = chosen.map(({ name }) => name)
  const { reporter, say } = terminal

  const starter = command.against === 'compose' ? await composeStarter(process.env) : undefined

  return withSession(
    say,
    async (session) => {
      const recorder = await startRunResults({ session, profile: command.profile, planned, base })
      let isDone = false
      try {
        if (!starter) await startBrokers(session, chosen.flatMap(partsOf), reporter)
        await runAll({ chosen, command, session, recorder, terminal })
        isDone = true
      } finally {
        // Also after Ctrl-C: what was found out is kept, and shown. After an error the logs say why.
        const results = await recorder.finish({ keepLogs: !isDone && !session.signal.aborted })
        await show(results, { command, terminal, folder: recorder.folder(), trouble: recorder.trouble() })
      }
      const results = recorder.records()
      const trouble = recorder.trouble()
      if (trouble !== undefined) {
        terminal.print(`Results were not kept: ${messageOf(trouble)}`)
        return 1
      }
      return exitCodeOf(results.map(({ verdict }) => verdict))
    },
    starter,
  )
}

interface Run {
  chosen: Experiment[]
  command: RunCommand
  session: Session
  recorder: RunResults
  terminal: Terminal
}

async function runAll({
  chosen,
  command: { profile, only },
  session,
  recorder,
  terminal,
}: Run): Promise<void> {
  const { reporter, say } = terminal
  const measure = createMeasuring({ signal: session.signal, say })
  for (const experiment of chosen) {
    if (session.signal.aborted) return
    const record = await measure(() => runOne(experiment, { profile, only, session, reporter }))
    await recorder.add(record)
    for (const table of record.tables) terminal.table(table)
    // Figures in doubt are not put into words.
    const reading = doubtsAbout(record).length === 0 ? (record.reading ?? []) : []
    for (const sentence of reading) terminal.print(sentence)
    terminal.print([verdictLine(record, process.stdout), ...verdictDetails(record), ''].join('\n'))
  }
}

interface Surroundings {
  session: Session
  reporter: Reporter
}

async function runOne(
  experiment: Experiment,
  { profile, only, session, reporter }: Pick<RunCommand, 'profile' | 'only'> & Surroundings,
): Promise<ExperimentRecord> {
  const params = only === undefined ? {} : { only }
  const [record] = await reporter.tasks([
    {
      title: `${experiment.name}: ${experiment.question}`,
      run: (progress) => recordExperiment({ experiment, profile, params, session, progress }),
      done: (result: ExperimentRecord) => `${result.name}: ${keyFigures(result)}`,
      failed: ({ verdict }) => verdict !== 'holds',
    },
  ])
  return record!
}

interface Shown {
  command: RunCommand
  terminal: Terminal
  folder: string | undefined
  /** Why the results could not be kept. They are shown all the same. */
  trouble: Error | undefined
}

async function show(results: Results, { command, terminal, folder, trouble }: Shown): Promise<void> {
  if (command.json) {
    terminal.document(textOf(Results, results))
  } else if (results.experiments.length > 1) {
    terminal.table(summaryTable(results))
    const comparison = compareStyles(results)
    if (comparison) terminal.table(comparison)
  }
  terminal.print(tally(results))
  if (folder === undefined || trouble !== undefined) return
  terminal.print(`Results and logs: ${folder}`)
  const { writeReport } = await import('@lab/lab/report/page.ts')
  terminal.print(`Report: ${await writeReport(folder, results)}`)
}
