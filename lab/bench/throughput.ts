import { openPartClient, type PartClient } from '../experiments/part-client.ts'
import { stockEnv } from '../experiments/stock-env.ts'
import { type LoadProcess, startLoadProcess } from '../load/process.ts'
import type { Table } from '../run/schema.ts'
import type { Progress, Session } from '../run/session.ts'
import { brokerFor, type RunningTrio, type StartTrioOptions, startTrio, type TrioName } from '../trio.ts'
import type { Bench } from './bench.ts'
import { type Drive, drives } from './drives.ts'
import { BenchInvalid } from './invalid.ts'
import { auditRun, type Sent } from './ledger.ts'
import { type ProcessFigures, readProcess } from './process-figures.ts'

/** Figures of a service, or of the load generator. */
interface ProcessCost {
  process: string
  /** Absent where the system does not tell. */
  cpu_us_per_order?: number
  /** Resident when the segment had ended. */
  rss_bytes?: number
  /** The most that was ever resident, since its start. */
  peak_rss_bytes?: number
}

export interface Segment {
  orders: number
  /** From the first order sent to the last one answered. */
  accepted_seconds: number
  /** From the first order sent to the last terminal status seen. */
  completed_seconds: number
  accepted_per_second: number
  completed_per_second: number
  statuses: Record<string, number>
  unknown: number
  processes: ProcessCost[]
}

export interface PartThroughput {
  part: string
  /** How the orders were sent. */
  load: string
  /** What counts as completed, and how it was seen. */
  completion: string
  /** Sent before, and in no figure but the peaks of memory. */
  warmup_orders: number
  segments: Segment[]
  valid: boolean
  /** What does not balance; empty for a valid run. */
  ledger: string[]
}

/** Orders per second accepted and completed, processor time per order and memory of every service. */
export const throughput: Bench = {
  parts: (options) =>
    options.parts.map((part) => ({
      part,
      title: `${part}: throughput`,
      async measure(progress) {
        const result = await measureThroughput({ ...options, part, progress })
        const { ledger, ...data } = result
        return {
          part,
          ledger,
          tables: throughputTables(result),
          lines: [
            `load: ${result.load}; ${result.warmup_orders} orders to warm up are not counted`,
            `completed: ${result.completion}`,
          ],
          short: `completed/s ${result.segments.map((one) => one.completed_per_second).join(', then ')}`,
          data,
        }
      },
    })),
}

export interface ThroughputOptions {
  session: Session
  part: TrioName
  /** Orders of each segment, one segment after the other on the same services. */
  orders: number[]
  connections: number
  progress: Progress
  /** Added to the environment of each service, by its role. */
  serviceEnv?: StartTrioOptions['serviceEnv']
}

/** Enough that no order is refused: what is measured is reserving. */
const PLENTY = 1_000_000_000
export const STOCK = { burger: PLENTY, pizza: PLENTY, salad: PLENTY }
/** Code and connections are cold, and Kafka's consumer groups have to join. */
const WARMUP_ORDERS = 2_000

/** Starts the part, loads it segment by segment, and holds every order against the ledger. Closes what it opened. */
export async function measureThroughput(options: ThroughputOptions): Promise<PartThroughput> {
  await using opened = new AsyncDisposableStack()
  return await measure(await openMeasuring(options, opened))
}

/** A part with plenty of stock and what drives it; closed with `opened`. */
export interface Measuring {
  options: ThroughputOptions
  part: RunningTrio
  load: LoadProcess
  client: PartClient
  drive: Drive
}

export async function openMeasuring(
  options: ThroughputOptions,
  opened: AsyncDisposableStack,
): Promise<Measuring> {
  const { session, part: name, connections, progress, serviceEnv } = options
  const { run, signal } = session
  const broker = {
    ...(await brokerFor(name, session)),
    ...(serviceEnv && { serviceEnv }),
  }
  const part = await startTrio(name, { run, signal, progress, env: stockEnv(STOCK), ...broker })
  opened.defer(part.close)
  const load = startLoadProcess(signal)
  opened.defer(load.close)
  const client = opened.use(openPartClient(part, signal))
  const drive = await drives[name](part, { client, connections, signal })
  opened.defer(drive.close)
  return { options, part, load, client, drive }
}

async function measure(measuring: Measuring): Promise<PartThroughput> {
  const { options, part, client, drive } = measuring
  const state: Sent = { accepted: 0, unknown: 0, order_ids: [] }
  const result: PartThroughput = {
    part: part.part,
    load: drive.load,
    completion: drive.completion,
    warmup_orders: WARMUP_ORDERS,
    segments: [],
    valid: false,
    ledger: [],
  }
  try {
    await measureSegment(WARMUP_ORDERS, 'warming up', state, measuring)
    for (const orders of options.orders) {
      result.segments.push(await measureSegment(orders, `${orders} orders`, state, measuring))
    }
    options.progress('comparing every order with the ledger')
    result.ledger = await auditRun({
      part,
      client,
      sent: state,
      initial: STOCK,
      signal: options.session.signal,
    })
  } catch (err) {
    if (!(err instanceof BenchInvalid)) throw err
    result.ledger = [err.message]
  }
  return { ...result, valid: result.ledger.length === 0 }
}

/** Sends one segment and waits until all of it has completed; adds to `sent` what the client learns. */
export async function measureSegment(
  orders: number,
  what: string,
  sent: Sent,
  { options: { progress }, part, load, drive }: Measuring,
): Promise<Segment> {
  const processes = [...part.services, load]
  const before = processes.map(({ pid }) => readProcess(pid))
  const startedAt = performance.now()
  const report = await load.run(drive.request(orders), {
    onProgress: (answered) => progress(`${what}: ${answered} of ${orders} answered`),
  })
  const earlier = sent.accepted
  sent.accepted += report.accepted
  sent.unknown += report.unknown
  for (const order_id of report.order_ids) sent.order_ids.push(order_id)
  await drive.completed(sent.accepted, (done) =>
    progress(`${what}: all answered, ${done - earlier} of ${orders} completed`),
  )
  const completedMs = Math.max(performance.now() - startedAt, report.elapsedMs)
  const after = processes.map(({ pid }) => readProcess(pid))
  return {
    orders,
    accepted_seconds: report.elapsedMs / 1_000,
    completed_seconds: completedMs / 1_000,
    accepted_per_second: Math.round((report.accepted / report.elapsedMs) * 1_000),
    completed_per_second: Math.round((report.accepted / completedMs) * 1_000),
    statuses: report.statuses,
    unknown: report.unknown,
    processes: processes.map(({ name }, at) => figures(name, orders, before[at], after[at])),
  }
}

function figures(
  process: string,
  orders: number,
  before: ProcessFigures | undefined,
  after: ProcessFigures | undefined,
) {
  if (!before || !after) return { process }
  return {
    process,
    cpu_us_per_order: Math.round((after.cpuUs - before.cpuUs) / orders),
    rss_bytes: after.rssBytes,
    peak_rss_bytes: after.peakRssBytes,
  }
}

const NOT_KNOWN = 'n/a'

/** Both segments beside each other, so that a part which slows down or grows shows it. */
function throughputTables({ part, segments }: PartThroughput): Table[] {
  if (segments.length === 0) return []
  return [
    {
      title: `${part}: orders per second`,
      columns: ['orders', 'accepted/s', 'completed/s', 'accepted in s', 'completed in s', 'answers'],
      rows: segments.map((segment) => [
        segment.orders,
        segment.accepted_per_second,
        segment.completed_per_second,
        segment.accepted_seconds.toFixed(2),
        segment.completed_seconds.toFixed(2),
        outcomes(segment),
      ]),
    },
    {
      title: `${part}: what it took`,
      columns: ['orders', 'process', 'µs CPU/order', 'MB at the end', 'MB at most'],
      rows: segments.flatMap(({ orders, processes }) =>
        processes.map(({ process, cpu_us_per_order, rss_bytes, peak_rss_bytes }) => [
          orders,
          process,
          cpu_us_per_order ?? NOT_KNOWN,
          megabytes(rss_bytes),
          megabytes(peak_rss_bytes),
        ]),
      ),
    },
  ]
}

const megabytes = (bytes: number | undefined) =>
  bytes === undefined ? NOT_KNOWN : Math.round(bytes / 1_048_576)

function outcomes({ statuses, unknown }: PartThroughput['segments'][number]): string {
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`)
  return [...answers, ...(unknown > 0 ? [`${unknown} unknown`] : [])].join(', ')
}
