import { join } from 'node:path'
import { openKafkaTools } from '@lab/stack/kafka-tools.ts'
import { freshVhost } from '@lab/stack/rabbit-vhost.ts'
import type { RabbitBroker } from '@lab/stack/servers/rabbitmq/broker.ts'
import type { Table } from '../run/schema.ts'
import { roleOf, type StartTrioOptions, type TrioName, trioSpec } from '../trio.ts'
import { alternate, type Comparison, type Question, ratioTable } from './alternate.ts'
import { type BareChainOptions, openBareChain } from './bare/chain.ts'
import { type Bench, BenchInvalid, type Measured, megabytes, NOT_KNOWN } from './bench.ts'
import { type CeilingsOptions, type Comparing, compareKafka } from './kafka-ceilings.ts'
import {
  auditPart,
  itself,
  type MeasuredPart,
  type MeasuringOptions,
  type Segment,
  withMeasuredPart,
} from './measured-part.ts'

interface Flatness {
  /** Orders the services held at the end. */
  orders: number
  /** As many orders as each of these has were sent before the first. */
  first: Segment
  last: Segment
}

/** How close each part comes to the fastest that its transport allows, and where the rest of the time goes. */
export const ceilings: Bench = {
  parts: ({ env, ...options }) =>
    options.parts.map((part) => ({
      part,
      title: `${part}: ceilings`,
      measure(progress) {
        const { run, signal } = options.session
        const kafkaTools = () => openKafkaTools({ run, signal, progress, env })
        const [orders = 0] = options.orders
        return measureCeilings({ ...options, part, orders, kafkaTools, progress })
      },
    })),
}

/** Some five to ten seconds of a machine with two processors. */
const ROUND_ORDERS: Record<TrioName, number> = {
  'sync-rest': 10_000,
  'async-rabbitmq': 10_000,
  'streaming-kafka': 50_000,
}

const compare: Record<TrioName, (comparing: Comparing) => Promise<Comparison[]>> = {
  'sync-rest': (comparing) =>
    compareWithBare(comparing, {
      name: 'bare undici',
      client: 'http',
      asked: [{ name: 'orders answered', metric: 'accepted', target: 0.7 }],
    }),
  'async-rabbitmq': async (comparing) => {
    const vhost: RabbitBroker = await freshVhost(await comparing.options.session.server('rabbitmq'))
    comparing.opened.defer(vhost.close)
    return compareWithBare(comparing, {
      name: 'bare amqplib',
      client: 'amqp',
      env: { RABBITMQ_URL: vhost.url },
      asked: [
        { name: 'orders completed', metric: 'completed', target: 0.5 },
        { name: 'orders accepted', metric: 'accepted' },
      ],
    })
  },
  'streaming-kafka': compareKafka,
}

/** Every phase starts the part anew. An unbalanced ledger ends the measurement: what was taken before it is kept. */
async function measureCeilings(options: CeilingsOptions): Promise<Measured> {
  const { part } = options
  const orders = Math.min(ROUND_ORDERS[part], options.orders)
  const measured: Measured = {
    part,
    ledger: [],
    tables: [],
    lines: [],
    short: '',
    data: { round_orders: orders },
  }
  try {
    const comparisons = await withMeasuredPart(options, (running, opened) =>
      compare[part]({ options, part: running, orders, opened }),
    )
    measured.tables.push(ratioTable(part, comparisons))
    measured.short = comparisons.map(({ name, ratio }) => `${name} ${ratio.median.toFixed(2)}`).join(', ')
    measured.data.comparisons = comparisons
    const flatness = await withMeasuredPart(options, (running) => measureFlatness(running, options.orders))
    measured.tables.push(flatTable(part, flatness))
    measured.data.flatness = flatness
    measured.data.profiles = await profileRound(options, orders)
    measured.lines.push(`where the time goes: ${measured.data.profiles}/*.cpuprofile`)
  } catch (err) {
    if (!(err instanceof BenchInvalid)) throw err
    measured.ledger = err.message.split('\n')
  }
  return measured
}

interface BareChain extends Pick<BareChainOptions, 'name' | 'client' | 'env'> {
  asked: { name: string; metric: 'accepted' | 'completed'; target?: number }[]
}

/** The part against a chain of the same hops in which there is nothing but the client. */
async function compareWithBare(
  { options, part, orders, opened }: Comparing,
  { asked, ...chain }: BareChain,
): Promise<Comparison[]> {
  const { session, connections, rounds, progress } = options
  const bare = await openBareChain({ session, orders, connections, ...chain }, opened)
  const ours = itself(part, orders)
  const questions = asked.map(({ metric, ...question }): Question => {
    return { ...question, ours: [ours.name, metric], ceiling: [bare.name, metric] }
  })
  return alternate({ contestants: [bare, ours], questions, rounds, progress })
}

/** Segments that are large enough for the kernel's clock of 10 ms, which at 100 µs an order is 1 % of 10,000 orders. */
const SEGMENT = 10_000
/** Filled in pieces that are done before the next begins: a million accepted at once would measure a backlog. */
const FILL = 50_000
const LARGEST_RISE = 0.1
const LARGEST_RSS_BYTES = 512 * 1_048_576

/** Processor time per order and memory, at the start, when the code is compiled, and after `orders` orders. */
async function measureFlatness(part: MeasuredPart, orders: number): Promise<Flatness> {
  const segment = Math.max(1, Math.min(SEGMENT, Math.floor(orders / 4)))
  await part.segment(segment, 'flatness, warming up')
  const first = await part.segment(segment, 'flatness, first segment')
  for (let left = orders - 3 * segment; left > 0; left -= FILL)
    await part.segment(Math.min(FILL, left), `flatness, filling up, ${left} to go`)
  const last = await part.segment(segment, 'flatness, last segment')
  await auditPart(part)
  return { orders, first, last }
}

function flatTable(part: string, { orders, first, last }: Flatness): Table {
  const judged = (isMet: boolean) => (isMet ? 'met' : 'missed')
  return {
    title: `${part}: cost per order, first and last ${first.orders} of ${orders} orders`,
    columns: [
      'process',
      'first µs',
      'last µs',
      'change',
      '≤ +10 %',
      'MB first',
      'MB last',
      'MB at most',
      '≤ 512 MB',
    ],
    rows: first.processes.slice(0, -1).map(({ process, cpu_us_per_order: before, rss_bytes }, at) => {
      const { cpu_us_per_order: after, ...memory } = last.processes[at]!
      const change = before && after !== undefined ? after / before - 1 : Number.NaN
      const percent = `${change >= 0 ? '+' : ''}${(change * 100).toFixed(1)} %`
      return [
        process,
        before ?? NOT_KNOWN,
        after ?? NOT_KNOWN,
        Number.isNaN(change) ? NOT_KNOWN : percent,
        Number.isNaN(change) ? NOT_KNOWN : judged(change <= LARGEST_RISE),
        megabytes(rss_bytes),
        megabytes(memory.rss_bytes),
        megabytes(memory.peak_rss_bytes),
        judged((memory.peak_rss_bytes ?? Infinity) <= LARGEST_RSS_BYTES),
      ]
    }),
  }
}

/**
 * One round with V8's profiler in every service, which slows them down, so no figure is taken from it. Answers the folder,
 * among the logs, that has a `.cpuprofile` of each: Chrome's DevTools and speedscope open them.
 */
async function profileRound(options: MeasuringOptions, orders: number): Promise<string> {
  const folder = join('logs', 'profiles', options.part)
  const path = await options.session.run.sub(folder)
  const serviceEnv: NonNullable<StartTrioOptions['serviceEnv']> = {}
  for (const { name } of trioSpec(options.part).services) {
    serviceEnv[roleOf(options.part, name)!] = {
      NODE_OPTIONS: `--cpu-prof --cpu-prof-dir="${path}" --cpu-prof-name=${name}.cpuprofile`,
    }
  }
  // The profiles are written when the services end.
  await withMeasuredPart({ ...options, serviceEnv }, async (part) => {
    await part.segment(orders, 'profile')
    await auditPart(part)
  })
  return folder
}
