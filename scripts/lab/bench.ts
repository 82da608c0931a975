import { randomInt } from 'node:crypto'
import { loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import { BENCH_SCHEMA_VERSION, type Bench, BenchResults, type Measured } from '@lab/lab/bench/bench.ts'
import {
  copyLogs,
  createResultsFolder,
  DEFAULT_RESULTS,
  refuseUnwritable,
  textOf,
  writeDocument,
} from '@lab/lab/run/folder.ts'
import { describeBroker, describeEnvironment } from '@lab/lab/run/provenance.ts'
import type { Session } from '@lab/lab/run/session.ts'
import { TRIOS, type TrioName, trioSpec } from '@lab/lab/trio.ts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { startBrokers } from './brokers.ts'
import { common, createProgram, notAnOption, oneOf, openTerminal, type Terminal } from './command-line.ts'
import { withSession } from './session.ts'

interface Options {
  part?: TrioName[]
  json?: boolean
  out?: string
}

interface BenchOptions extends Options {
  orders: number | number[]
  rounds?: number
  connections?: number
}

interface FuzzOptions extends Options {
  cases: number
  seed?: number
  target?: string
  /** The number of the one case to repeat. */
  case?: number
}

const MAX = { orders: 1_000_000, rounds: 100, connections: 1_024, cases: 1_000_000, seed: 2 ** 31 - 1 }

/** `npm run bench`: a benchmark is a command. */
export function benchProgram(): Command {
  const program = createProgram('bench')
    .usage('<benchmark> [options]')
    .description('Measures the parts, and looks for what breaks them.')
    .addHelpText(
      'after',
      `
Exit code 0 when every ledger balances (a missed target is no failure) and fuzz has no finding, 1 when one does not or
has, 2 when the command line is wrong, 130 after Ctrl-C.`,
    )
  const part = new Option('--part <part>', `${TRIOS.join(', ')} (default: all three); may be repeated`)
  part.argParser((name, before: TrioName[] = []) => [...before, oneOf('part', name, TRIOS)])
  const orders = (about: string, usual: number) =>
    new Option('--orders <n>', about).argParser(wholeNumber(1, MAX.orders)).default(usual)
  const rounds = new Option('--rounds <n>', 'counted rounds of each contestant')
  rounds.argParser(wholeNumber(1, MAX.rounds)).default(3)
  const connections = new Option('--connections <n>', 'concurrent clients')
  connections.argParser(wholeNumber(1, MAX.connections)).default(64)

  program
    .command('throughput')
    .summary('orders per second accepted and completed, processor time per order and memory of every service')
    .description(
      'Starts each part on its own with plenty of stock, warms it up, sends the orders of each segment one after the other from a process of its own, and holds every order against the ledger. A run whose ledger does not balance prints INVALID.',
    )
    .addOption(part)
    .addOption(
      new Option('--orders <n,n…>', 'orders of each segment')
        .argParser((text) => text.split(',').map(wholeNumber(1, MAX.orders)))
        .default([10_000, 100_000], '10000,100000'),
    )
    .addOption(connections)
    .action((options: BenchOptions) => measure('throughput', options))
  program
    .command('ceilings')
    .summary(
      'how close each part comes to the fastest that its transport allows, and where the rest of the time goes',
    )
    .description(
      "Runs, in turn and on the same brokers, each part and what it can at best be: a bare Fastify and undici chain, a bare amqplib chain, and Kafka's own producer and consumer tools. Every round of a part is held against the ledger. Then it follows the cost per order up to --orders, and profiles the services in a round of its own.",
    )
    .addOption(part)
    .addOption(orders('how far the cost per order is followed', 100_000))
    .addOption(rounds)
    .addOption(connections)
    .action((options: BenchOptions) => measure('ceilings', options))
  program
    .command('fuzz')
    .summary('whether any request or message, however odd, breaks a service or slips through')
    .description(
      'Makes requests for every route from the OpenAPI document of the running service, and messages for every consumer from the schemas of the events: valid ones, and ones with something wrong. No answer may be a 5xx, no service may end, what is refused must have no effect, and what is poison must be a dead letter. The same seed makes the same cases.',
    )
    .addOption(part)
    .option('--cases <n>', 'cases of each route and each consumer', wholeNumber(1, MAX.cases), 20_000)
    .option(
      '--seed <n>',
      'makes the cases of an earlier run again (default: a new one, which is printed)',
      wholeNumber(0, MAX.seed),
    )
    .option('--target <text>', 'only routes and consumers whose name has this in it', notAnOption)
    .option('--case <n>', 'only the case of this number, as a finding names it', wholeNumber(0, MAX.cases))
    .action(fuzz)
  program
    .command('mqtt')
    .summary('orders per second of the kitchen over MQTT, and its memory, against a bare mqtt.js loop')
    .addOption(orders('orders of each round', 100_000))
    .addOption(rounds)
    .action((options: BenchOptions) => measure('mqtt', options))
  program
    .command('redis')
    .summary(
      'changes per second of the platform over Redis against a bare loop, its state, and memory per order',
    )
    .addOption(orders('orders in the store', 100_000))
    .addOption(rounds)
    .addOption(connections)
    .action((options: BenchOptions) => measure('redis', options))
  program
    .command('restman')
    .summary(
      'orders per second through the gateway of RestMan, cost per order and memory, with part A as a yardstick',
    )
    .addOption(orders('orders in all, in ten segments', 20_000))
    .addOption(connections)
    .action((options: BenchOptions) => measure('restman', options))
  for (const command of program.commands)
    command.addOption(common.json).addOption(common.out).addOption(common.verbose)
  return program
}

const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const number = /^\d{1,10}$/.test(text.trim()) ? Number(text) : -1
    if (number >= least && number <= most) return number
    throw new InvalidArgumentError(`'${text}' is not a whole number of ${least} to ${most}`)
  }

/** Loaded when it is asked for: the brokers' clients are large. */
const BENCHES = {
  throughput: async () => (await import('@lab/lab/bench/throughput.ts')).throughput,
  ceilings: async () => (await import('@lab/lab/bench/ceilings.ts')).ceilings,
  mqtt: async () => (await import('@lab/lab/bench/mqtt.ts')).mqtt,
  redis: async () => (await import('@lab/lab/bench/redis.ts')).redis,
  restman: async () => (await import('@lab/lab/bench/restman.ts')).restman,
} satisfies Record<string, () => Promise<Bench>>

/** Those that measure the trios. */
const OF_TRIOS = ['throughput', 'ceilings', 'fuzz']

const measure = async (name: keyof typeof BENCHES, options: BenchOptions): Promise<void> =>
  void (await measureParts(name, options, await BENCHES[name]()))

/** Exit code 0 when the ledger of every part balances, else 1; a target that is missed is a finding. */
async function measureParts(
  name: string,
  options: Options & Partial<BenchOptions>,
  bench: Bench,
): Promise<Measured[]> {
  const terminal = openTerminal(options)
  await refuseUnwritable(baseOf(options))
  // What a benchmark does not take, it does not ask for.
  const { part: parts = TRIOS, orders = 0, rounds = 0, connections = 0 } = options
  const measured: Measured[] = []
  process.exitCode = await withSession(terminal.say, async (session) => {
    const startedAt = new Date()
    const before = loadavg()
    const environment = await describeEnvironment()
    if (OF_TRIOS.includes(name)) await startBrokers(session, parts.map(trioSpec), terminal.reporter)
    for (const { part, title, measure } of bench.parts({
      parts,
      orders: [orders].flat(),
      rounds,
      connections,
      session,
      env: process.env,
    })) {
      const [result] = await terminal.reporter.tasks([
        {
          title,
          run: measure,
          done: ({ short }: Measured) => `${part}: ${short}`,
          failed: ({ ledger }) => ledger.length > 0,
        },
      ])
      measured.push(result!)
      show(result!, bench, terminal)
    }
    const results: BenchResults = {
      schema_version: BENCH_SCHEMA_VERSION,
      bench: name,
      started_at: startedAt.toISOString(),
      ended_at: new Date().toISOString(),
      environment,
      load_average: { before, after: loadavg() },
      servers: session.servers().map(describeBroker),
      parts: measured.map(({ part, ledger, tables, lines, data }) => ({
        part,
        valid: ledger.length === 0,
        ledger,
        tables,
        lines,
        data: JSON.parse(JSON.stringify(data)),
      })),
    }
    await save(results, { options, session, terminal, startedAt })
    return measured.every(({ ledger }) => ledger.length === 0) ? 0 : 1
  })
  return measured
}

function show(
  { part, ledger, tables, lines }: Measured,
  { looksFor }: Bench,
  { table, print }: Terminal,
): void {
  for (const one of tables) table(one)
  for (const line of lines) print(line)
  if (ledger.length === 0) print(`${part}: ${looksFor ? `no ${looksFor}` : 'the ledger balances'}\n`)
  else if (looksFor) print(`${ledger.join('\n\n')}\n`)
  else
    print(`INVALID  ${part}: these figures mean nothing\n${ledger.map((line) => `  ${line}`).join('\n')}\n`)
}

/** Exit code 0 when nothing was found, else 1. */
async function fuzz({ cases, seed = randomInt(2 ** 31), target, case: only, ...options }: FuzzOptions) {
  const { fuzz: fuzzing } = await import('@lab/lab/fuzz/fuzz-part.ts')
  const measured = await measureParts('fuzz', options, fuzzing({ cases, seed, target, only }))
  if (measured.every(({ tables }) => tables.every(({ rows }) => rows.length === 0)))
    throw new InvalidArgumentError(`--target: no route and no consumer has '${target}' in its name`)
}

const baseOf = ({ out }: Options): string => (out === undefined ? DEFAULT_RESULTS : resolve(out))

interface Saving {
  options: Options
  session: Session
  terminal: Terminal
  startedAt: Date
}

/** Writes the results and the logs into a folder of their own, and says where; with `--json` it prints the results too. */
async function save(results: BenchResults, { options, session, terminal, startedAt }: Saving): Promise<void> {
  const folder = await createResultsFolder(baseOf(options), startedAt)
  await writeDocument(join(folder, 'bench.json'), BenchResults, results)
  await copyLogs(session.run.path, folder)
  if (options.json) terminal.document(textOf(BenchResults, results))
  terminal.print(`Results and logs: ${folder}`)
}
