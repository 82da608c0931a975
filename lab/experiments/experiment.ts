import type { StartPartOptions } from '@lab/stack/part.ts'
import type { ServerName, Servers } from '@lab/stack/servers/index.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import type { Chart, Check, Said, Table } from '../run/schema.ts'
import type { RunningTrio, StartTrioOptions, TrioName } from '../trio.ts'

/** `soak` goes on for long under faults; only few experiments have it. */
export type ProfileName = 'quick' | 'default' | 'full' | 'soak'

export type { Axis, Chart, Check, Series, Table } from '../run/schema.ts'

export interface Outcome {
  checks: Check[]
  tables: Table[]
  charts?: Chart[]
  /** What the figures say, in plain words that are made from them. */
  reading?: string[]
  /** Figures of a style in a few words, for the table of the styles. */
  says?: Said[]
  /** Why the figures may not be believed, although the experiment ran to its end; see `lab/run/verdict.ts`. */
  invalid?: string[]
  /** Raw figures for `results.json`; names carry their units. */
  data: Record<string, unknown>
}

export interface ExperimentContext<Params> {
  params: Params
  /**
   * Starts a fresh copy of a trio, the experiment's own unless named: own ports, own state, empty queues and topics. Closed
   * after the run, unless it was closed before.
   */
  startPart: (options: StartOptions, name?: TrioName) => Promise<RunningTrio>
  /** A new path in the run's folder; what is written there goes with the run. */
  scratchFile: (name: string) => Promise<string>
  /** The same for a part that is no trio. */
  startOther: (name: string, options?: StartOtherOptions) => Promise<RunningPart>
  /** A server of the run, as it is. */
  server: <Name extends ServerName>(name: Name) => Promise<Servers[Name]>
  /** One short line of live progress, replacing the last one. */
  progress: (text: string) => void
  /** Aborted by Ctrl-C: every wait listens to it. */
  signal: AbortSignal
}

export interface StartOptions {
  /** Whether services keep their state in files (`DATA_DIR`), so that a killed one finds it again. */
  durable?: boolean
  env?: Record<string, string>
  serviceEnv?: NonNullable<StartTrioOptions['serviceEnv']>
}

interface StartOtherOptions {
  durable?: boolean
  /** By the name of the service. */
  serviceEnv?: NonNullable<StartPartOptions['serviceEnv']>
}

/** One experiment: run by vitest in the part's `tests/` and by the command line, from the same module. */
export interface Experiment<Params = Record<string, unknown>> {
  name: string
  /** Whose it is, by its folder; `all`: it starts the trios it compares itself, with `startPart`. */
  part: string
  /** It asks a server alone and starts no service: against containers of the part there is nothing to run. */
  isOfServer?: true
  /** What a person wants to know, as a question. */
  question: string
  profiles: Record<Exclude<ProfileName, 'soak'>, Params> & { soak?: Params }
  /** Of an experiment over many cases: the names of those that parameters such as `only` choose from. */
  cases?: (params: Params) => { all: string[]; chosen: string[] }
  run: (context: ExperimentContext<Params>) => Promise<Outcome>
}

/** An experiment of one style answers these questions. */
export const says = (style: TrioName, answers: [Said['question'], words: string][]): Said[] =>
  answers.map(([question, words]) => ({ question, style, words }))

/** A table with a row for each item; a column is its title and what it says of one. */
export const tableOf = <Item>(title: string, items: readonly Item[], columns: Column<Item>[]): Table => ({
  title,
  columns: columns.map(([name]) => name),
  rows: items.map((item, at) => columns.map(([, cell]) => cell(item, at))),
})
export type Column<Item> = [title: string, cell: (item: Item, at: number) => string | number]

/** Checks the parameters of every profile against each other; the list of experiments holds them with their types erased. */
export function defineExperiment<Params extends Record<string, unknown>>(
  experiment: Experiment<Params>,
): Experiment {
  return experiment as unknown as Experiment
}

/** A question the experiment asks of what it looks at: the figures are as true when the answer is no. */
export const check = (name: string, holds: boolean, detail: string): Check => ({ name, holds, detail })

/**
 * A question the experiment asks of its own figures: whether orders are missing from them or in them twice, whether an
 * independent count agrees. When the answer is no, they are INVALID and the report does not show them.
 */
export const voidingCheck = (name: string, holds: boolean, detail: string): Check => ({
  ...check(name, holds, detail),
  voids: true,
})
