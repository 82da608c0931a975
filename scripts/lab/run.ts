import { resolve } from 'node:path'
import { messageOf } from '@lab/kit/errors.ts'
import { partsOf } from '@lab/lab/experiments/context.ts'
import type { Experiment, ProfileName } from '@lab/lab/experiments/experiment.ts'
import { didYouMean } from '@lab/lab/near.ts'
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
import { type Command, InvalidArgumentError } from 'commander'
import { startBrokers } from './brokers.ts'
import { common, likeWord, oneOf, openTerminal, refuseUnknownCommand, type Terminal } from './command-line.ts'
import { withSession } from './session.ts'

const PROFILES = ['quick', 'default', 'full', 'soak'] as const
const AGAINST = ['processes', 'compose'] as const

interface RunOptions {
  profile: ProfileName
  /** Of experiments over many cases: the pattern their names have to match. */
  only?: string | undefined
  json?: boolean
  out?: string
  /** What the experiments run against: services as processes of the run, or as containers of their compose files. */
  against: (typeof AGAINST)[number]
}

/** `list` and `run`. The experiments are many, and loaded when they are asked for. */
export function addRun(program: Command): void {
  program
    .command('list')
    .summary('the experiments and the question each one answers')
    .description('Names every experiment, its part and its question.')
    .addOption(common.json)
    .addOption(common.verbose)
    .action(list)
  withRunOptions(program.command('run'))
    .summary("some experiments: by name, by part, or like 'rest-*'")
    .description('Runs experiments, shows a table and a verdict for each, and stops everything again.')
    .argument(
      '<experiment...>',
      "by name, by part (all experiments of the part), by a beginning ('rest'), by a pattern ('*-delay'), or 'all'",
    )
    .action(async (words: string[], options: RunOptions) => {
      process.exitCode = await run(words, options)
    })
}

/** What the program does without a command. Commands that are added later would take any word. */
export function addTour(program: Command): void {
  withRunOptions(program)
    .allowExcessArguments()
    .action(async (options: RunOptions) => {
      refuseUnknownCommand(program)
      process.exitCode = await run('tour', options)
    })
}

const withRunOptions = (command: Command): Command =>
  command
    .option(
      '--profile <name>',
      'quick (seconds), default, full (the figures the experiments are known by, up to minutes each) or soak (half an hour under faults: fault-matrix)',
      (word) => oneOf('profile', word, PROFILES),
      'default' as const,
    )
    .option(
      '--only <pattern>',
      "of an experiment over many cases (fault-matrix), those whose name is like 'SIGKILL*'",
    )
    .addOption(common.json)
    .addOption(common.out)
    .option(
      '--against <what>',
      "processes, or compose: containers of the part's docker-compose.yml, stopped, killed and started through the Docker engine; refused for what asks a server alone",
      (word) => oneOf('value of --against', word, AGAINST),
      'processes' as const,
    )
    .addOption(common.verbose)

async function list({ json = false }: { json?: boolean }): Promise<void> {
  const { experiments } = await import('@lab/lab/experiments/index.ts')
  const { document, table } = openTerminal({ json })
  const rows = experiments.map(({ name, part, question, profiles }) => ({ name, part, question, profiles }))
  if (json) document(`${JSON.stringify(rows, null, 2)}\n`)
  else
    table({
      title: 'Experiments (npm run lab -- run <experiment…>)',
      columns: ['experiment', 'part', 'question'],
      rows: rows.map(({ name, part, question }) => [name, part, question]),
    })
}

/** Runs the experiments one after the other and shows each. For its exit code see `exitCodeOf`. */
async function run(words: string[] | 'tour', command: RunOptions): Promise<number> {
  const { experiments, tour } = await import('@lab/lab/experiments/index.ts')
  const inTour = command.against === 'compose' ? tour.filter(({ isOfServer }) => !isOfServer) : tour
  const chosen = words === 'tour' ? inTour : chooseExperiments(words, experiments)
  refuseUnfit(chosen, command, experiments)
  const base = command.out === undefined ? DEFAULT_RESULTS : resolve(command.out)
  await refuseUnwritable(base)
  const planned = chosen.map(({ name }) => name)
  const terminal = openTerminal(command)
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
  command: RunOptions
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
  { profile, only, session, reporter }: Pick<RunOptions, 'profile' | 'only'> & Surroundings,
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
  command: RunOptions
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

/**
 * The experiments the words stand for, each once and in the order of the list: a name, a part, the beginning of names, a
 * pattern with `*`, or `all`. A word that stands for none throws and suggests the nearest name.
 */
export function chooseExperiments(words: string[], experiments: Experiment[]): Experiment[] {
  const chosen = new Set(words.flatMap((word) => standFor(word, experiments)))
  return experiments.filter((experiment) => chosen.has(experiment))
}

function standFor(word: string, experiments: Experiment[]): Experiment[] {
  if (word === 'all') return experiments
  const exact = experiments.filter(({ name, part }) => name === word || part === word)
  if (exact.length > 0) return exact
  const matching = likeWord(word, experiments)
  if (matching.length > 0) return matching
  const known = new Set(experiments.flatMap(({ name, part }) => [name, part]))
  oneOf('experiment', word, [...known])
  return []
}

/**
 * Throws when a chosen experiment has no such profile, no cases that `--only` could choose from, or nothing that runs in
 * containers.
 */
export function refuseUnfit(
  chosen: Experiment[],
  { profile, only, against }: Pick<RunOptions, 'profile' | 'only' | 'against'>,
  experiments: Experiment[],
): void {
  const refuse = (option: string, fits: (experiment: Experiment) => boolean) => {
    const unfit = chosen.find((experiment) => !fits(experiment))
    if (!unfit) return
    const known = experiments.filter(fits).map(({ name }) => name)
    throw new InvalidArgumentError(`${unfit.name} does not take ${option}; these do: ${known.join(', ')}`)
  }
  refuse(`--profile ${profile}`, ({ profiles }) => profiles[profile] !== undefined)
  const alone = against === 'compose' && chosen.find(({ isOfServer }) => isOfServer)
  if (alone)
    throw new InvalidArgumentError(
      `${alone.name} does not take --against compose: it asks a server alone, none of ${alone.part}'s services`,
    )
  if (only === undefined) return
  refuse('--only', ({ profiles }) => profiles.default.only !== undefined)
  for (const { name, profiles, cases } of chosen) {
    const { all, chosen: left } = cases?.({ ...profiles[profile], only }) ?? { all: [], chosen: [only] }
    if (left.length > 0) continue
    const faults = [...new Set(all.map((label) => label.split(' × ')[0]!))]
    throw new InvalidArgumentError(
      `--only: no case of ${name} (profile ${profile}) is like '${only}'.${didYouMean(only, faults)} There are ${all.length}, such as ${faults.slice(0, 4).join(', ')}; * stands for anything`,
    )
  }
}
