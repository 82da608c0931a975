import type { PartName } from '@lab/lab/stack/parts.ts'
import { PART_NAMES } from './command-line.ts'
import { readOptions } from './options.ts'
import { oneOf, UsageError } from './suggest.ts'

export const BENCH_HELP = `Usage: npm run bench -- <throughput | ceilings> [options]

  throughput   orders per second accepted and completed, processor time per order and memory of every service
  ceilings     how close each part comes to the fastest that its transport allows, and where the rest of the time goes

throughput starts each part on its own with plenty of stock, warms it up, sends the orders of each segment one after the
other from a process of its own, and holds every order against the ledger. A run whose ledger does not balance prints
INVALID.

ceilings runs, in turn and on the same brokers, each part and what it can at best be: a bare Fastify and undici chain, a
bare amqplib chain, and Kafka's own producer and consumer tools. Every round of a part is held against the ledger. Then it
follows the cost per order up to --orders, and profiles the services in a round of its own.

  --part <part>           sync-rest, async-rabbitmq or streaming-kafka (default: all three); may be repeated
  --orders <n,n…>         throughput: orders of each segment (default: 10000,100000)
                          ceilings: one number, how far the cost per order is followed (default: 100000)
  --rounds <n>            ceilings: counted rounds of each contestant (default: 3)
  --connections <n>       concurrent clients of POST /order (default: 64)
  --json                  the results file's content on stdout and nothing else; progress on stderr
  --out <folder>          where results go (default: results/)
  --verbose               with an error, also where it happened
  --help                  this text

Exit code 0 when every ledger balances (a missed target is a finding, not a failure), 1 when one does not, 2 when the
command line is wrong, 130 after Ctrl-C.
`

export interface BenchCommand {
  kind: 'throughput' | 'ceilings' | 'help'
  parts: PartName[]
  orders: number[]
  rounds: number
  connections: number
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
  json: { type: 'boolean', default: false },
  out: { type: 'string' },
  verbose: { type: 'boolean', default: false },
} as const

const MAX = { orders: 1_000_000, rounds: 100, connections: 1_024 }
const BENCHES = ['throughput', 'ceilings'] as const
const DEFAULT_ORDERS = { throughput: '10000,100000', ceilings: '100000' }

export function readBenchCommand(args: string[]): BenchCommand {
  const { values, positionals } = readOptions('bench', args, OPTIONS)
  const [name, ...rest] = positionals
  if (name === undefined && !values.help)
    throw new UsageError('Say which benchmark to run: throughput or ceilings')
  const bench = name === undefined ? 'throughput' : oneOf('benchmark', name, [...BENCHES])
  if (rest.length > 0)
    throw new UsageError(`${bench} takes no names, but '${rest[0]}' was given (see --part)`)
  const orders = (values.orders ?? DEFAULT_ORDERS[bench]).split(',')
  if (bench === 'ceilings' && orders.length > 1)
    throw new UsageError(`--orders: ceilings takes one number, not '${values.orders}'`)
  return {
    kind: values.help ? 'help' : bench,
    parts: values.part?.map((part) => oneOf('part', part, PART_NAMES)) ?? PART_NAMES,
    orders: orders.map((text) => wholeNumber('--orders', text, MAX.orders)),
    rounds: wholeNumber('--rounds', values.rounds, MAX.rounds),
    connections: wholeNumber('--connections', values.connections, MAX.connections),
    json: values.json,
    out: values.out,
    verbose: values.verbose,
  }
}

function wholeNumber(option: string, text: string, max: number): number {
  const number = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0
  if (number >= 1 && number <= max) return number
  throw new UsageError(`${option}: '${text}' is not a whole number of 1 to ${max}`)
}
