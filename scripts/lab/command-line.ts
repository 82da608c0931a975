import { messageOf } from '@lab/kit/errors.ts'
import type { Table } from '@lab/lab/experiments/experiment.ts'
import { didYouMean, patternOf } from '@lab/lab/near.ts'
import { createReporter, type Reporter } from '@lab/lab/report/progress.ts'
import { renderTable } from '@lab/lab/report/table.ts'
import { ResultsError } from '@lab/lab/run/folder.ts'
import { ComposeError } from '@lab/stack/compose/cli.ts'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { Interrupted } from './interrupt.ts'

/** A program of commands whose help and errors name it as it was called. What it refuses is said by `runProgram`. */
export const createProgram = (name: string): Command =>
  new Command(process.env.npm_lifecycle_event === 'npx' ? `npx ${name}` : `npm run ${name} --`)
    .exitOverride()
    .configureOutput({
      outputError: () => {},
      getOutHelpWidth: () => widthOf(process.stdout),
      getErrHelpWidth: () => widthOf(process.stderr),
    })
    .configureHelp({
      subcommandTerm: (one) => `${one.name()} ${one.usage().replace('[options]', '').trim()}`,
    })
    .enablePositionalOptions()
    .helpOption('-h, --help', 'this text')
    .helpCommand('help [command]', 'the help of a command')

/** As wide as the terminal, and not wider than what is written by hand. */
const widthOf = ({ columns = 120 }: NodeJS.WriteStream) => Math.min(columns, 120)

/** Options that mean the same wherever they are taken. */
export const common = {
  json: new Option('--json', 'JSON on stdout and nothing else; progress on stderr'),
  out: new Option('--out <folder>', 'where results are (default: results/)').argParser(notAnOption),
  verbose: new Option('--verbose', 'with an error, also where it happened'),
}

/** Free text would swallow the option after it, when its own value was forgotten. */
export function notAnOption(text: string): string {
  if (!text.startsWith('-')) return text
  throw new InvalidArgumentError('That is an option, so the value is missing.')
}

/** `word` itself when it is one of `known`; otherwise an error that suggests the nearest, if one is near. */
export function oneOf<Known extends string>(what: string, word: string, known: readonly Known[]): Known {
  const found = known.find((name) => name === word)
  if (found !== undefined) return found
  throw new InvalidArgumentError(unknown(what, word, known))
}

const unknown = (what: string, word: string, known: readonly string[]): string =>
  `There is no ${what} '${word}'.${didYouMean(word, known)} Known: ${known.join(', ')}`

/** Those whose names a word stands for: `rest` is the beginning `rest-`; `*` stands for anything. */
export function likeWord<Named extends { name: string }>(word: string, all: readonly Named[]): Named[] {
  const pattern = patternOf(word.includes('*') ? word : `${word}-*`)
  return all.filter(({ name }) => pattern.test(name))
}

/** For a command that does something without a word: a word that is none of its commands is not for it. */
export function refuseUnknownCommand(command: Command): void {
  const [word] = command.args
  if (word !== undefined) oneOf('command', word, namesOf(command))
}

const namesOf = ({ commands }: Command): string[] => commands.map((one) => one.name())

/** Where the words of a command go. With `--json`, stdout holds the document and nothing else. */
export interface Terminal {
  reporter: Reporter
  /** A line of what goes on, on stderr or where lines move. */
  say: (text: string) => void
  /** Something to read, on stdout; on stderr with `--json`. */
  print: (text: string) => void
  table: (table: Table) => void
  /** The document of `--json`. */
  document: (text: string) => void
}

const WIDTH = { min: 80, max: 100 }

export function openTerminal({ json = false }: { json?: boolean } = {}): Terminal {
  const out = json ? process.stderr : process.stdout
  const live = !json && process.stdout.isTTY === true && !process.env.CI
  const reporter = createReporter({ live, write: (text) => void process.stderr.write(`${text}\n`) })
  const width = Math.min(WIDTH.max, Math.max(WIDTH.min, process.stdout.columns ?? WIDTH.max))
  const print = (text: string) => void out.write(`${text}\n`)
  return {
    reporter,
    say: reporter.say,
    print,
    table: (table) => print(`${renderTable(table, { width, stream: out })}\n`),
    document: (text) => void process.stdout.write(text),
  }
}

/**
 * Does what the command line asks, and ends the process with its exit code: 0, or what the action has set. This is the one
 * place where errors become words and exit codes; by then everything is closed.
 */
export async function runProgram(name: string, program: Command): Promise<never> {
  try {
    await program.parseAsync()
  } catch (err) {
    process.exitCode = explain(name, program, err)
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit()
}

function explain(name: string, program: Command, err: unknown): number {
  const say = (text: string) => process.stderr.write(`${text}\n`)
  const [word = ''] = program.args
  const command = program.commands.find((one) => one.name() === word || one.alias() === word) ?? program
  if (err instanceof CommanderError) {
    if (err.exitCode === 0) return 0
    say(`${refusal(err, command)}\n${helpOf(command)} shows what there is.`)
    return 2
  }
  if (err instanceof ResultsError || err instanceof ComposeError) {
    say(err.message)
    return 2
  }
  if (err instanceof Interrupted) {
    say(`${name} was ${err.message}; everything is stopped`)
    return err.exitCode
  }
  say(`${name} failed: ${messageOf(err)}`)
  if (err instanceof AggregateError) for (const each of err.errors) say(`  ${messageOf(each)}`)
  const verbose = Boolean(process.env.DEBUG) || command.opts().verbose
  if (verbose && err instanceof Error) say(stackOf(err))
  else say('With --verbose it says where.')
  return 1
}

function refusal({ code, message }: CommanderError, command: Command): string {
  const { args, registeredArguments } = command
  if (code === 'commander.excessArguments')
    return `${message} Nothing here takes '${args.slice(registeredArguments.length).join(' ')}'.`
  if (code !== 'commander.help') return message
  // Its help was the answer, as a command is missing, or `help` does not know one.
  const [, word] = args
  return word === undefined ? 'error: missing command' : unknown('command', word, namesOf(command))
}

const helpOf = (command: Command): string =>
  `\`${command.parent ? `${command.parent.name()} ` : ''}${command.name()} --help\``

const stackOf = (err: Error): string =>
  `${err.stack ?? err.message}${err.cause instanceof Error ? `\ncaused by ${stackOf(err.cause)}` : ''}`

/** A pipe may still hold what was written last. */
const flushed = (stream: NodeJS.WriteStream) => new Promise((resolve) => stream.write('', resolve))
