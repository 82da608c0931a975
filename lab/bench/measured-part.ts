import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { z } from 'zod'
import type { HistoryRecord } from '../ledger/history.ts'
import { type LoadProcess, type LoadReport, type LoadRequest, startLoadProcess } from '../load/process.ts'
import { openPartClient, type PartClient } from '../parts/client.ts'
import { ledgerOf } from '../parts/ledger.ts'
import type { Progress, Session } from '../run/session.ts'
import {
  brokerFor,
  type RunningTrio,
  type StartTrioOptions,
  startTrio,
  stockEnv,
  type TrioName,
} from '../trio.ts'
import type { Contestant } from './alternate.ts'
import { BenchInvalid } from './bench.ts'
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

export interface MeasuringOptions {
  session: Session
  part: TrioName
  connections: number
  progress: Progress
  /** Added to the environment of each service, by its role. */
  serviceEnv?: StartTrioOptions['serviceEnv']
}

/** A running part with plenty of stock, and what drives it; it counts what it was sent, for the ledger. */
export interface MeasuredPart {
  options: MeasuringOptions
  name: TrioName
  part: RunningTrio
  load: LoadProcess
  client: PartClient
  drive: Drive
  sent: { accepted: number; records: HistoryRecord[] }
  /** Adds to `sent` what a load came to. */
  note: (report: LoadReport) => void
  /** Sends so many orders and waits until all of them have completed. */
  segment: (orders: number, what: string) => Promise<Segment>
  /** What does not balance once nothing moves any more; nothing, when the figures may be believed. */
  ledger: () => Promise<string[]>
}

/** Enough that no order is refused: what is measured is reserving. */
const PLENTY = 1_000_000_000
const STOCK = { burger: PLENTY, pizza: PLENTY, salad: PLENTY }
const SETTLE_MS = 60_000

/** Starts a part, gives it to `work`, and closes it, and what `work` has opened beside it. */
export async function withMeasuredPart<Result>(
  options: MeasuringOptions,
  work: (part: MeasuredPart, opened: AsyncDisposableStack) => Promise<Result>,
): Promise<Result> {
  await using opened = new AsyncDisposableStack()
  const { session, part: name, connections, progress, serviceEnv } = options
  const { run, signal } = session
  const broker = { ...(await brokerFor(name, session)), ...(serviceEnv && { serviceEnv }) }
  const part = await startTrio(name, { run, signal, progress, env: stockEnv(STOCK), ...broker })
  opened.defer(part.close)
  const load = startLoadProcess(signal)
  opened.defer(load.close)
  const client = opened.use(openPartClient(part, signal))
  const drive = drives[name](part, { client, connections, signal })
  const sent: MeasuredPart['sent'] = { accepted: 0, records: [] }
  const measured: MeasuredPart = {
    options,
    name,
    part,
    load,
    client,
    drive,
    sent,
    note: ({ accepted, records }) => {
      sent.accepted += accepted
      for (const record of records) sent.records.push(record)
    },
    segment: (orders, what) => measureSegment(measured, orders, what),
    ledger: () => ledgerReasons(measured),
  }
  return await work(measured, opened)
}

async function measureSegment(measured: MeasuredPart, orders: number, what: string): Promise<Segment> {
  const { options, part, load, drive, sent, note } = measured
  const processes = [...part.services, load]
  const completed = await drive.follow()
  const before = processes.map(({ pid }) => readProcess(pid))
  const startedAt = performance.now()
  const report = await load.run(drive.request(orders), {
    onProgress: (answered) => options.progress(`${what}: ${answered} of ${orders} answered`),
  })
  note(report)
  await completed({
    report,
    total: sent.accepted,
    onProgress: (done) => options.progress(`${what}: all answered, ${done} of ${orders} completed`),
  })
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

type Seen = ProcessFigures | undefined

function figures(process: string, orders: number, before: Seen, after: Seen): ProcessCost {
  if (!before || !after) return { process }
  return {
    process,
    cpu_us_per_order: Math.round((after.cpuUs - before.cpuUs) / orders),
    rss_bytes: after.rssBytes,
    peak_rss_bytes: after.peakRssBytes,
  }
}

async function ledgerReasons({ options, part, sent }: MeasuredPart): Promise<string[]> {
  const { signal } = options.session
  options.progress('comparing every order with the ledger')
  const gone = part.services.filter(({ pid }) => pid === undefined).map(({ name }) => name)
  if (gone.length > 0) throw new BenchInvalid(`ended in the middle: ${gone.join(', ')}`)
  const histories = [sent.records]
  try {
    // A log of a million decisions would be read for longer than it took to write.
    const asked = { histories, initial: STOCK, settleMs: SETTLE_MS, asksBroker: false, signal }
    const { reasons, totals } = await ledgerOf(part, asked)
    // Stock was plenty: an order that failed measured something else.
    return totals.failed === 0 ? reasons : [`${totals.failed} orders failed`, ...reasons]
  } catch (err) {
    signal.throwIfAborted()
    throw new BenchInvalid(`the ledger cannot be read: ${messageOf(err)}`, { cause: err })
  }
}

/** Rejects with `BenchInvalid` unless every order since the start is accounted for. */
export async function auditPart({ ledger }: MeasuredPart): Promise<void> {
  const reasons = await ledger()
  if (reasons.length > 0) throw new BenchInvalid(reasons.join('\n'))
}

/** The part itself against what it can at best be: each round is audited. */
export const itself = (part: MeasuredPart, orders: number): Contestant => ({
  name: part.name,
  async round() {
    const segment = await part.segment(orders, part.name)
    await auditPart(part)
    return { accepted: segment.accepted_per_second, completed: segment.completed_per_second }
  },
})

type ClosedRequest = Exclude<LoadRequest, { kind: 'open' }>

/** How orders are sent to a part, and how their completion is seen. */
interface Drive {
  load: string
  completion: string
  request: (count: number) => ClosedRequest
  /** To be called before orders are sent. What it answers resolves when all of them have completed. */
  follow: () => Promise<(sent: Sent) => Promise<void>>
}

interface Sent {
  report: LoadReport
  /** Accepted since the part was started. */
  total: number
  /** Is told how many of this load have completed. */
  onProgress?: (done: number) => void
}

interface DriveOptions {
  client: PartClient
  connections: number
  signal: AbortSignal
}

const BULK_CHUNK = 10_000

const drives: Record<TrioName, (part: RunningTrio, options: DriveOptions) => Drive> = {
  'sync-rest': (part, { connections }) => ({
    ...placing(part, connections),
    completion: 'the answer: it comes when reservation and notification are done',
    follow: async () => async () => {},
  }),
  'async-rabbitmq': (part, { client, connections }) => ({
    ...placing(part, connections),
    completion: 'reserved or failed on GET /orders/stream of the order service',
    follow: async () => {
      // One for each load: it remembers all it has seen.
      const stream = await client.stream()
      return async ({ report, onProgress }) => {
        const ids = report.records.flatMap(({ outcome, order_id }) => (outcome === 'ok' && order_id) || [])
        const options = { passes: isTerminal, what: 'completed', timeoutMs: STALL_MS + ids.length }
        await stream
          .completed(ids, { ...options, ...(onProgress && { onProgress }) })
          .catch((err: unknown) => {
            throw new BenchInvalid(`did not drain: ${messageOf(err)}`, { cause: err })
          })
          .finally(stream.close)
      }
    },
  }),
  'streaming-kafka': (part, { client, signal }) => ({
    load: `POST /orders/bulk, ${BULK_CHUNK} orders a request, one request at a time`,
    completion: 'counted as reserved or failed by the analytics service (GET /metrics, polled)',
    request: (count) => ({ kind: 'bulk', url: part.order.url, count, chunk: BULK_CHUNK }),
    follow: async () => (sent) => analyticsCounted(client, sent, signal),
  }),
}

const placing = (part: RunningTrio, connections: number) => ({
  load: `POST /order, closed loop, ${connections} connections`,
  request: (count: number): ClosedRequest => ({ kind: 'place', url: part.order.url, count, connections }),
})

const Totals = z.object({ orders_total: z.int(), reserved_total: z.int(), failed_total: z.int() })
const LOOK_MS = 50
/** Nothing completed for this long: the part does not drain. */
const STALL_MS = 30_000

async function analyticsCounted(
  client: PartClient,
  { report, total, onProgress }: Sent,
  signal: AbortSignal,
) {
  let done = 0
  let movedAt = performance.now()
  for (;;) {
    // A service that does not answer counts nothing, which is what a stall is.
    const answer = await client.read('third', '/metrics').catch(() => undefined)
    const { orders_total = 0, reserved_total = 0, failed_total = 0 } = Totals.safeParse(answer).data ?? {}
    const counted = Math.max(done, Math.min(reserved_total + failed_total, orders_total))
    if (counted > done) movedAt = performance.now()
    done = counted
    onProgress?.(done - (total - report.accepted))
    if (done >= total) return
    if (performance.now() - movedAt > STALL_MS)
      throw new BenchInvalid(
        `did not drain: ${done} of ${total} orders completed, none for ${STALL_MS / 1_000} s`,
      )
    await sleep(LOOK_MS, undefined, { signal })
  }
}
