import { TRIOS, type TrioName } from '@lab/lab/trio.ts'
import { readOptions } from './options.ts'
import { oneOf, UsageError } from './suggest.ts'

export const BENCH_HELP = `Usage: npm run bench -- <throughput | ceilings | fuzz | mqtt | redis | restman> [options]

  throughput   orders per second accepted and completed, processor time per order and memory of every service
  ceilings     how close each part comes to the fastest that its transport allows, and where the rest of the time goes
  fuzz         whether any request or message, however odd, breaks a service or slips through
  mqtt         orders per second of the kitchen over MQTT, and its memory, against a bare mqtt.js loop
  redis        changes per second of the platform over Redis against a bare loop, its state, and memory per order
  restman      orders per second through the gateway of RestMan, cost per order and memory, with part A as a yardstick

throughput starts each part on its own with plenty of stock, warms it up, sends the orders of each segment one after the
other from a process of its own, and holds every order against the ledger. A run whose ledger does not balance prints
INVALID.

ceilings runs, in turn and on the same brokers, each part and what it can at best be: a bare Fastify and undici chain, a
bare amqplib chain, and Kafka's own producer and consumer tools. Every round of a part is held against the ledger. Then it
follows the cost per order up to --orders, and profiles the services in a round of its own.

fuzz makes requests for every route from the OpenAPI document of the running service, and messages for every consumer from
the schemas of the events: valid ones, and ones with something wrong. No answer may be a 5xx, no service may end, what is
refused must have no effect, and what is poison must be a dead letter. The same seed makes the same cases.

  --part <part>           sync-rest, async-rabbitmq or streaming-kafka (default: all three); may be repeated
  --orders <n,n…>         throughput: orders of each segment (default: 10000,100000)
                          ceilings: one number, how far the cost per order is followed (default: 100000)
                          mqtt: orders of each round, redis: orders in the store (default: 100000)
                          restman: orders in all, in ten segments (default: 20000)
  --rounds <n>            ceilings, mqtt, redis: counted rounds of each contestant (default: 3)
  --connections <n>       concurrent clients (default: 64)
  --cases <n>             fuzz: cases of each route and each consumer (default: 20000)
  --seed <n>              fuzz: makes the cases of an earlier run again (default: a new one, which is printed)
  --target <text>         fuzz: only routes and consumers whose name has this in it
  --case <n>              fuzz: only the case of this number, as a finding names it
  --json                  the results file's content on stdout and nothing else; progress on stderr
  --out <folder>          where results go (default: results/)
  --verbose               with an error, also where it happened
  --help                  this text

Exit code 0 when every ledger balances (a missed target is no failure) and fuzz has no finding, 1 when one does not or
has, 2 when the command line is wrong, 130 after Ctrl-C.
`

export interface BenchCommand {
  kind: 'throughput' | 'ceilings' | 'fuzz' | 'mqtt' | 'redis' | 'restman' | 'help'
  parts: TrioName[]
  orders: number[]
  rounds: number
  connections: number
  cases: number
  seed: number | undefined
  target: string | undefined
  /** The number of the one case to repeat. */
  only: number | undefined
  json: boolean
  out: string | undefined
  verbose: boolean
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  part: { type: 'string', multiple: true },
  orders: { type: 'string' },
  rounds: { type: 'string', default: '3' },
  connections: { type: 'string', default: '64' },
  cases: { type: 'string', default: '20000' },
  seed: { type: 'string' },
  target: { type: 'string' },
  case: { type: 'string' },
  json: { type: 'boolean', default: false },
  out: { type: 'string' },
  verbose: { type: 'boolean', default: false },
} as const

const MAX = { orders: 1_000_000, rounds: 100, connections: 1_024, cases: 1_000_000, seed: 2 ** 31 - 1 }
const BENCHES = ['throughput', 'ceilings', 'fuzz', 'mqtt', 'redis', 'restman'] as const
const DEFAULT_ORDERS = {
  throughput: '10000,100000',
  ceilings: '100000',
  fuzz: '1',
  mqtt: '100000',
  redis: '100000',
  restman: '20000',
}

export function readBenchCommand(args: string[]): BenchCommand {
  const { values, positionals } = readOptions('bench', args, OPTIONS)
  const [name, ...rest] = positionals
  if (name === undefined && !values.help)
    throw new UsageError('Say which benchmark to run: throughput, ceilings, fuzz, mqtt, redis or restman')
  const bench = name === undefined ? 'throughput' : oneOf('benchmark', name, [...BENCHES])
  if (rest.length > 0)
    throw new UsageError(`${bench} takes no names, but '${rest[0]}' was given (see --part)`)
  const orders = (values.orders ?? DEFAULT_ORDERS[bench]).split(',')
  if (['ceilings', 'mqtt', 'redis', 'restman'].includes(bench) && orders.length > 1)
    throw new UsageError(`--orders: ${bench} takes one number, not '${values.orders}'`)
  return {
    kind: values.help ? 'help' : bench,
    parts: values.part?.map((part) => oneOf('part', part, TRIOS)) ?? TRIOS,
    orders: orders.map((text) => wholeNumber('--orders', text, MAX.orders)),
    rounds: wholeNumber('--rounds', values.rounds, MAX.rounds),
    connections: wholeNumber('--connections', values.connections, MAX.connections),
    cases: wholeNumber('--cases', values.cases, MAX.cases),
    seed: optionalNumber('--seed', values.seed, MAX.seed),
    target: values.target,
    only: optionalNumber('--case', values.case, MAX.cases),
    json: values.json,
    out: values.out,
    verbose: values.verbose,
  }
}

/** Seeds and cases count from 0. */
function optionalNumber(option: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined || text === '0') return text === undefined ? undefined : 0
  return wholeNumber(option, text, max)
}

function wholeNumber(option: string, text: string, max: number): number {
  const number = /^\d{1,10}$/.test(text.trim()) ? Number(text) : 0
  if (number >= 1 && number <= max) return number
  throw new UsageError(`${option}: '${text}' is not a whole number of 1 to ${max}`)
}
