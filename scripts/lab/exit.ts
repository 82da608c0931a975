import { messageOf } from '@lab/kit/errors.ts'
import { ResultsError } from '@lab/lab/run/folder.ts'
import { ComposeError } from '@lab/stack/compose/cli.ts'
import { Interrupted } from './interrupt.ts'
import { UsageError } from './suggest.ts'

/**
 * Reads the command line, does what it asks, and ends the process with its exit code. This is the one place where errors
 * become words and exit codes; by then everything is closed.
 */
export async function runScript<Command extends { verbose: boolean }>(
  { name, topics = [] }: { name: string; topics?: readonly string[] },
  read: (args: string[]) => Command,
  perform: (command: Command) => Promise<number>,
): Promise<never> {
  let verbose = Boolean(process.env.DEBUG)
  let code: number
  try {
    const command = read(process.argv.slice(2))
    verbose ||= command.verbose
    code = await perform(command)
  } catch (err) {
    const [first = ''] = process.argv.slice(2)
    code = explain(name, err, { verbose, topic: topics.includes(first) ? first : undefined })
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit(code)
}

interface Explaining {
  verbose: boolean
  /** The command whose help says more. */
  topic: string | undefined
}

function explain(name: string, err: unknown, { verbose, topic }: Explaining): number {
  const say = (text: string) => process.stderr.write(`${text}\n`)
  if (err instanceof UsageError) {
    const command = process.env.npm_lifecycle_event === 'npx' ? `npx ${name}` : `npm run ${name} --`
    say(`${err.message}\n\`${command}${topic === undefined ? '' : ` ${topic}`} --help\` shows what there is.`)
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
  if (verbose && err instanceof Error) say(stackOf(err))
  else say('With --verbose it says where.')
  return 1
}

const stackOf = (err: Error): string =>
  `${err.stack ?? err.message}${err.cause instanceof Error ? `\ncaused by ${stackOf(err.cause)}` : ''}`

/** A pipe may still hold what was written last. */
const flushed = (stream: NodeJS.WriteStream) => new Promise((resolve) => stream.write('', resolve))
