import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal, type Order } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { z } from 'zod'
import type { HistoryRecord } from '../ledger/history.ts'
import { followOrders } from '../load/order-stream.ts'
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
  const drive = await drives[name](part, { client, connections, signal })
  opened.defer(drive.close)
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
  const before = processes.map(({ pid }) => readProcess(pid))
  const startedAt = performance.now()
  const report = await load.run(drive.request(orders), {
    onProgress: (answered) => options.progress(`${what}: ${answered} of ${orders} answered`),
  })
  const earlier = sent.accepted
  note(report)
  await drive.completed(sent.accepted, (done) =>
    options.progress(`${what}: all answered, ${done - earlier} of ${orders} completed`),
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
  /** Resolves when `total` orders have completed since the part was started. */
  completed: (total: number, onProgress: (done: number) => void) => Promise<void>
  close: () => Promise<void>
}

interface DriveOptions {
  client: PartClient
  connections: number
  signal: AbortSignal
}

const BULK_CHUNK = 10_000

const drives: Record<TrioName, (part: RunningTrio, options: DriveOptions) => Promise<Drive>> = {
  'sync-rest': async (part, { connections }) => ({
    ...placing(part, connections),
    completion: 'the answer: it comes when reservation and notification are done',
    completed: async () => {},
    close: async () => {},
  }),
  'async-rabbitmq': async (part, { client, connections, signal }) => {
    const completions = await watchCompletions(part.order.url, { readOrders: client.orders, signal })
    return {
      ...placing(part, connections),
      completion: 'reserved or failed on GET /orders/stream of the order service',
      completed: completions.reached,
      close: completions.close,
    }
  },
  'streaming-kafka': async (part, { client, signal }) => ({
    load: `POST /orders/bulk, ${BULK_CHUNK} orders a request, one request at a time`,
    completion: 'counted as reserved or failed by the analytics service (GET /metrics, polled)',
    request: (count) => ({ kind: 'bulk', url: part.order.url, count, chunk: BULK_CHUNK }),
    completed: (total, onProgress) => analyticsCounted(client, { total, onProgress, signal }),
    close: async () => {},
  }),
}

const placing = (part: RunningTrio, connections: number) => ({
  load: `POST /order, closed loop, ${connections} connections`,
  request: (count: number): ClosedRequest => ({ kind: 'place', url: part.order.url, count, connections }),
})

interface WatchOptions {
  /** `GET /orders`, for what happened while the stream was away. */
  readOrders: () => Promise<Order[]>
  stallMs?: number
  signal: AbortSignal
}

/** Counts the orders that reach a terminal status on `GET /orders/stream`; of each it keeps only the id. */
export async function watchCompletions(url: string, { readOrders, stallMs, signal }: WatchOptions) {
  const closing = new AbortController()
  const ids = new Set<string>()
  const note = ({ order_id, status }: Pick<Order, 'order_id' | 'status'>) =>
    isTerminal(status) && ids.add(order_id)
  let isGap = false
  const { ended } = await followOrders(url, {
    onStatus: (order_id, status) => note({ order_id, status }),
    onOpen: (opened) => {
      isGap = opened > 1
    },
    stop: AbortSignal.any([signal, closing.signal]),
  })
  const backfill = async () => {
    isGap = false
    for (const order of await readOrders()) note(order)
  }
  return {
    /** Resolves when `total` different orders have been seen to complete since this was opened. */
    reached: (total: number, onProgress: (done: number) => void) =>
      untilCounted({
        total,
        onProgress,
        signal,
        everyMs: 2,
        ...(stallMs !== undefined && { stallMs }),
        async read(isLast) {
          if (isGap || isLast) await backfill()
          return ids.size
        },
      }),
    async close() {
      closing.abort()
      await ended
    },
  }
}

const Totals = z.object({ orders_total: z.int(), reserved_total: z.int(), failed_total: z.int() })

function analyticsCounted(client: PartClient, counting: Pick<Counting, 'total' | 'onProgress' | 'signal'>) {
  let done = 0
  const read = async () => {
    // A service that does not answer counts nothing, which is what a stall is.
    const answer = await client.read('third', '/metrics').catch(() => undefined)
    const totals = Totals.safeParse(answer).data
    if (totals) done = Math.min(totals.reserved_total + totals.failed_total, totals.orders_total)
    return done
  }
  return untilCounted({ ...counting, read, everyMs: 50 })
}

interface Counting {
  total: number
  onProgress: (done: number) => void
  signal: AbortSignal
  everyMs: number
  /** Nothing completed for this long: the part does not drain. */
  stallMs?: number
  /** `isLast` before it is said that the part does not drain. */
  read: (isLast: boolean) => Promise<number>
}

async function untilCounted({ total, onProgress, signal, everyMs, stallMs = 30_000, read }: Counting) {
  let done = await read(false)
  let movedAt = performance.now()
  while (done < total) {
    await sleep(everyMs, undefined, { signal })
    const isLast = performance.now() - movedAt > stallMs
    const now = await read(isLast)
    if (now !== done) {
      movedAt = performance.now()
      done = now
      onProgress(done)
    } else if (isLast) {
      const stalled = `none for ${stallMs / 1_000} s`
      throw new BenchInvalid(`did not drain: ${done} of ${total} orders completed, ${stalled}`)
    }
  }
}
