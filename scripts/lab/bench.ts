import { randomInt } from 'node:crypto'
import { loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import { BENCH_SCHEMA_VERSION, type Bench, BenchResults, type Measured } from '@lab/lab/bench/bench.ts'
import {
  casesOf,
  FUZZ_SCHEMA_VERSION,
  FuzzResults,
  findingLines,
  findingsOf,
  fuzzTable,
  type PartFuzzed,
} from '@lab/lab/fuzz/results.ts'
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
import type { z } from 'zod'
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
    .action((options: BenchOptions) => measureParts('throughput', options))
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
    .action((options: BenchOptions) => measureParts('ceilings', options))
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
    .action((options: BenchOptions) => measureParts('mqtt', options))
  program
    .command('redis')
    .summary(
      'changes per second of the platform over Redis against a bare loop, its state, and memory per order',
    )
    .addOption(orders('orders in the store', 100_000))
    .addOption(rounds)
    .addOption(connections)
    .action((options: BenchOptions) => measureParts('redis', options))
  program
    .command('restman')
    .summary(
      'orders per second through the gateway of RestMan, cost per order and memory, with part A as a yardstick',
    )
    .addOption(orders('orders in all, in ten segments', 20_000))
    .addOption(connections)
    .action((options: BenchOptions) => measureParts('restman', options))
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
  throughput: { needs: 'trios', load: async () => (await import('@lab/lab/bench/throughput.ts')).throughput },
  ceilings: { needs: 'trios', load: async () => (await import('@lab/lab/bench/ceilings.ts')).ceilings },
  mqtt: { needs: 'none', load: async () => (await import('@lab/lab/bench/mqtt.ts')).mqtt },
  redis: { needs: 'none', load: async () => (await import('@lab/lab/bench/redis.ts')).redis },
  restman: { needs: 'none', load: async () => (await import('@lab/lab/bench/restman.ts')).restman },
} satisfies Record<string, { needs: 'trios' | 'none'; load: () => Promise<Bench> }>

/** Exit code 0 when the ledger of every part balances, else 1; a target that is missed is a finding. */
async function measureParts(name: keyof typeof BENCHES, options: BenchOptions): Promise<void> {
  const { needs, load } = BENCHES[name]
  const terminal = openTerminal(options)
  await refuseUnwritable(baseOf(options))
  // What a benchmark does not take, it does not ask for.
  const { part: parts = TRIOS, orders, rounds = 0, connections = 0 } = options
  const bench = await load()
  process.exitCode = await withSession(terminal.say, async (session) => {
    const startedAt = new Date()
    const before = loadavg()
    const environment = await describeEnvironment()
    if (needs === 'trios') await startBrokers(session, parts.map(trioSpec), terminal.reporter)
    const measured: Measured[] = []
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
      show(result!, terminal)
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
    await save(
      { options, session, terminal },
      { file: 'bench.json', schema: BenchResults, results, startedAt },
    )
    return measured.every(({ ledger }) => ledger.length === 0) ? 0 : 1
  })
}

function show({ part, ledger, tables, lines }: Measured, { table, print }: Terminal): void {
  for (const one of tables) table(one)
  for (const line of lines) print(line)
  if (ledger.length === 0) print(`${part}: the ledger balances\n`)
  else
    print(`INVALID  ${part}: these figures mean nothing\n${ledger.map((line) => `  ${line}`).join('\n')}\n`)
}

/** Exit code 0 when nothing was found, else 1. */
async function fuzz(options: FuzzOptions): Promise<void> {
  const terminal = openTerminal(options)
  await refuseUnwritable(baseOf(options))
  const { part: parts = TRIOS, cases, seed = randomInt(2 ** 31) } = options
  process.exitCode = await withSession(terminal.say, async (session) => {
    const startedAt = new Date()
    const environment = await describeEnvironment()
    await startBrokers(session, parts.map(trioSpec), terminal.reporter)
    terminal.print(`Seed ${seed}, ${cases} cases of each route and each consumer\n`)
    const fuzzed: PartFuzzed[] = []
    for (const name of parts) {
      const result = await fuzzOne(name, { options, seed, session, terminal })
      fuzzed.push(result)
      showFuzzed(result, seed, terminal)
    }
    const results: FuzzResults = {
      schema_version: FUZZ_SCHEMA_VERSION,
      bench: 'fuzz',
      seed,
      cases,
      started_at: startedAt.toISOString(),
      ended_at: new Date().toISOString(),
      environment,
      brokers: session.brokers().map(describeBroker),
      parts: fuzzed,
    }
    await save({ options, session, terminal }, { file: 'fuzz.json', schema: FuzzResults, results, startedAt })
    if (fuzzed.every((part) => casesOf(part) === 0))
      throw new InvalidArgumentError(`--target: no route and no consumer has '${options.target}' in its name`)
    return fuzzed.every((part) => findingsOf(part).length === 0) ? 0 : 1
  })
}

interface Fuzzing extends Benching {
  options: FuzzOptions
  seed: number
}

async function fuzzOne(name: TrioName, { options, seed, session, terminal }: Fuzzing): Promise<PartFuzzed> {
  const { cases, target, case: only } = options
  const { fuzzPart } = await import('@lab/lab/fuzz/fuzz-part.ts')
  const [result] = await terminal.reporter.tasks([
    {
      title: `${name}: fuzzing`,
      run: async (progress) => {
        const startedAt = performance.now()
        const targets = await fuzzPart({ session, part: name, cases, seed, target, only, progress })
        return { part: name, seconds: (performance.now() - startedAt) / 1_000, targets }
      },
      done: (part: PartFuzzed) =>
        `${name}: ${casesOf(part)} cases, ${part.targets.length} targets, ${findingsOf(part).length} findings`,
      failed: (part) => findingsOf(part).length > 0,
    },
  ])
  return result!
}

function showFuzzed(result: PartFuzzed, seed: number, { table, print }: Terminal): void {
  table(fuzzTable(result))
  const lines = findingLines(result, seed)
  print(lines.length === 0 ? `${result.part}: nothing found\n` : `${lines.join('\n\n')}\n`)
}

const baseOf = ({ out }: Options): string => (out === undefined ? DEFAULT_RESULTS : resolve(out))

interface Benching {
  options: Options
  session: Session
  terminal: Terminal
}

interface Saved<Schema extends z.ZodType> {
  file: string
  schema: Schema
  results: z.output<Schema>
  startedAt: Date
}

/** Writes the results and the logs into a folder of their own, and says where; with `--json` it prints the results too. */
async function save<Schema extends z.ZodType>(
  { options, session, terminal }: Benching,
  { file, schema, results, startedAt }: Saved<Schema>,
): Promise<void> {
  const folder = await createResultsFolder(baseOf(options), startedAt)
  await writeDocument(join(folder, file), schema, results)
  await copyLogs(session.run.path, folder)
  if (options.json) terminal.document(textOf(schema, results))
  terminal.print(`Results and logs: ${folder}`)
}
