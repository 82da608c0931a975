import type { ProfileName } from '@lab/lab/experiments/experiment.ts'
import { type PartName, parts } from '@lab/lab/stack/parts.ts'
import type { Topic } from './help.ts'
import { readOptions } from './options.ts'
import { type ProveCommand, readProve } from './prove-command-line.ts'
import { type CompareCommand, type ReportCommand, readCompare, readReport } from './report-command-line.ts'
import { oneOf, UsageError } from './suggest.ts'

export interface RunCommand {
  kind: 'run'
  /** What was named; 'all' is the tour. */
  names: string[] | 'all'
  profile: ProfileName
  /** Of experiments over many cases: the pattern their names have to match. */
  only: string | undefined
  json: boolean
  out: string | undefined
  /** What the experiments run against: services as processes of the run, or as containers of their compose files. */
  against: 'processes' | 'compose'
}

export interface UpCommand {
  kind: 'up'
  parts: PartName[]
  ports: 'fixed' | 'free'
  durable: boolean
}

export type Command = { verbose: boolean } & (
  | RunCommand
  | UpCommand
  | ReportCommand
  | CompareCommand
  | ProveCommand
  | { kind: 'list'; json: boolean }
  | { kind: 'brokers'; json: boolean }
  | { kind: 'help'; topic: Topic }
)

const COMMANDS = ['list', 'run', 'up', 'brokers', 'report', 'compare', 'prove'] as const
const PROFILES = ['quick', 'default', 'full', 'soak'] as const
const PORTS = ['fixed', 'free'] as const
export const PART_NAMES = Object.keys(parts) as PartName[]

const common = { help: { type: 'boolean', short: 'h' }, verbose: { type: 'boolean' } } as const
const json = { type: 'boolean' } as const
const AGAINST = ['processes', 'compose'] as const
const text = { type: 'string' } as const
const running = { ...common, json, profile: text, only: text, out: text, against: text } as const

/** What `npm run lab -- <args>` asks for. Throws a `UsageError` that names what is wrong. */
export function readCommand(args: string[]): Command {
  const [first = '', ...rest] = args
  if (first === '' || first.startsWith('-')) return readTour(args)
  switch (oneOf('command', first, [...COMMANDS, 'help'])) {
    case 'run':
      return readRun(rest)
    case 'up':
      return readUp(rest)
    case 'list':
    case 'brokers':
      return readPlain(first as 'list' | 'brokers', rest)
    case 'report':
      return readReport(rest) ?? help('report')
    case 'compare':
      return readCompare(rest) ?? help('compare')
    case 'prove':
      return readProve(rest) ?? help('prove')
    case 'help':
      return { kind: 'help', topic: rest[0] ? oneOf('command', rest[0], COMMANDS) : 'lab', verbose: false }
  }
}

function readTour(args: string[]): Command {
  const { values, positionals } = readOptions('lab', args, running)
  if (values.help) return help('lab')
  if (positionals.length > 0) {
    throw new UsageError(`Options stand after the command: npm run lab -- ${positionals[0]} …`)
  }
  return { kind: 'run', names: 'all', ...readRunning(values) }
}

function readRun(args: string[]): Command {
  const { values, positionals } = readOptions('run', args, running)
  if (values.help) return help('run')
  if (positionals.length === 0) {
    throw new UsageError("Say which experiments to run, or 'all'. `npm run lab -- list` names them.")
  }
  return { kind: 'run', names: positionals, ...readRunning(values) }
}

interface RunningValues {
  profile?: string
  only?: string
  json?: boolean
  out?: string
  against?: string
  verbose?: boolean
}

const readRunning = (values: RunningValues) => ({
  profile: oneOf('profile', values.profile ?? 'default', PROFILES),
  only: values.only,
  json: values.json ?? false,
  out: values.out,
  against: oneOf('value of --against', values.against ?? 'processes', AGAINST),
  verbose: values.verbose ?? false,
})

function readUp(args: string[]): Command {
  const options = { ...common, ports: { type: 'string' }, durable: { type: 'boolean' } } as const
  const { values, positionals } = readOptions('up', args, options)
  if (values.help) return help('up')
  return {
    kind: 'up',
    parts: positionals.length === 0 ? PART_NAMES : positionals.map((name) => oneOf('part', name, PART_NAMES)),
    ports: oneOf('value of --ports', values.ports ?? 'fixed', PORTS),
    durable: values.durable ?? false,
    verbose: values.verbose ?? false,
  }
}

function readPlain(kind: 'list' | 'brokers', args: string[]): Command {
  const { values, positionals } = readOptions(kind, args, { ...common, json })
  if (values.help) return help(kind)
  if (positionals.length > 0)
    throw new UsageError(`${kind} takes no names, but '${positionals[0]}' was given`)
  return { kind, json: values.json ?? false, verbose: values.verbose ?? false }
}

const help = (topic: Topic): Command => ({ kind: 'help', topic, verbose: false })
