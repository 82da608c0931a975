import type { ProfileName } from '@lab/lab/experiments/experiment.ts'
import { TRIOS } from '@lab/lab/trio.ts'
import type { PartSpec } from '@lab/stack/spec.ts'
import { livePage, parts } from '../../parts.ts'
import { CONTROL_WORDS, type ControlCommand, readControl } from './control-command-line.ts'
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
  /** Their names. */
  parts: string[]
  /** A number is the first port of the first part. */
  ports: 'fixed' | 'free' | number
  durable: boolean
  /** The port of the live page: one that was given, one that goes with those of the parts; or no page at all. */
  page: 'with the ports' | 'none' | number
}

/** A sub-command that a part brings along. */
export interface PartCommandLine {
  kind: 'part'
  part: string
  /** Undefined: name them all. */
  command: string | undefined
  args: string[]
}

/** Every part's hundred of ports has to fit, and the live page after them. */
const LAST_BASE = 65_535 - 100 * parts.length - 1
/** What brings sub-commands along: parts, and the live page. */
const bringers = [...parts, livePage]
const partWords = bringers.flatMap(({ commands }) => (commands ? [commands.word] : []))

export type Command = { verbose: boolean } & (
  | RunCommand
  | UpCommand
  | ReportCommand
  | CompareCommand
  | ProveCommand
  | ControlCommand
  | PartCommandLine
  | { kind: 'list'; json: boolean }
  | { kind: 'brokers'; json: boolean }
  | { kind: 'help'; topic: Topic }
)

const COMMANDS = ['list', 'run', 'up', ...CONTROL_WORDS, 'brokers', 'report', 'compare', 'prove'] as const
const PROFILES = ['quick', 'default', 'full', 'soak'] as const
export const PART_NAMES = parts.map(({ name }) => name)

const common = { help: { type: 'boolean', short: 'h' }, verbose: { type: 'boolean' } } as const
const json = { type: 'boolean' } as const
const AGAINST = ['processes', 'compose'] as const
const text = { type: 'string' } as const
const running = { ...common, json, profile: text, only: text, out: text, against: text } as const

/** What `npm run lab -- <args>` asks for. Throws a `UsageError` that names what is wrong. */
export function readCommand(args: string[]): Command {
  const [first = '', ...rest] = args
  if (first === '' || first.startsWith('-')) return readTour(args)
  const part = bringers.find(({ name, commands }) => commands && (commands.word === first || name === first))
  if (part) return readPart(part, rest)
  const word = oneOf('command', first, [...COMMANDS, 'help', ...partWords]) as
    | (typeof COMMANDS)[number]
    | 'help'
  switch (word) {
    case 'run':
      return readRun(rest)
    case 'up':
      return readUp(rest)
    case 'list':
    case 'brokers':
      return readPlain(word, rest)
    case 'ps':
    case 'stop':
    case 'kill':
    case 'start':
    case 'pause':
    case 'resume':
      return readControl(word, rest) ?? help(word)
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
  const options = {
    ...common,
    ports: { type: 'string' },
    durable: { type: 'boolean' },
    'no-page': { type: 'boolean' },
    'page-port': { type: 'string' },
  } as const
  const { values, positionals } = readOptions('up', args, options)
  if (values.help) return help('up')
  return {
    kind: 'up',
    parts: positionals.length === 0 ? TRIOS : positionals.map((name) => oneOf('part', name, PART_NAMES)),
    ports: readPorts(values.ports ?? 'fixed'),
    durable: values.durable ?? false,
    page: readPage(values['no-page'] ?? false, values['page-port']),
    verbose: values.verbose ?? false,
  }
}

/** `fixed`, `free`, or the first port of the first part. */
function readPorts(text: string): UpCommand['ports'] {
  if (!/^\d+$/.test(text)) return oneOf('value of --ports', text, ['fixed', 'free'] as const)
  const base = Number(text)
  if (base >= 1_024 && base <= LAST_BASE) return base
  throw new UsageError(`--ports: '${text}' is not a port of 1024 to ${LAST_BASE}`)
}

function readPage(none: boolean, port: string | undefined): UpCommand['page'] {
  if (none && port !== undefined) throw new UsageError('--no-page and --page-port cannot be given together')
  if (port === undefined) return none ? 'none' : 'with the ports'
  if (/^\d+$/.test(port) && Number(port) >= 1_024 && Number(port) <= 65_535) return Number(port)
  throw new UsageError(`--page-port: '${port}' is not a port of 1024 to 65535`)
}

function readPart({ name, commands }: PartSpec, [command, ...args]: string[]): Command {
  const asksForHelp = command === undefined || command === '--help' || command === '-h'
  if (asksForHelp) return { kind: 'part', part: name, command: undefined, args, verbose: false }
  const known = Object.keys(commands!.list)
  return {
    kind: 'part',
    part: name,
    command: oneOf(`command of ${name}`, command, known),
    args,
    verbose: false,
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
