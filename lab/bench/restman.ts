import { until } from '@lab/kit/wait.ts'
import { startPart } from '@lab/stack/part.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { loadSettings, openClickHouse, openRestman, type Restman } from '../restman/client.ts'
import { benchOf, type Measured, type OneBench } from './bench.ts'
import { readProcess } from './process-figures.ts'
import { measureThroughput } from './throughput.ts'

/** What is promised: the services' start, their memory, and that an order costs the same later. */
const TARGETS = { startMs: 45_000, rssMb: 3_072, flatness: 1.25 }

/** Orders per second through the gateway of RestMan, cost per order and memory, with part A as a yardstick. */
export const restman = benchOf('platform-restman', 'orders per second through the gateway', benchRestman)

interface Segment {
  orders: number
  /** Answered 503, and placed again. */
  refused: number
  acceptedPerSecond: number
  completedPerSecond: number
  cpuUsPerOrder: number
}

const SEGMENTS = 10
const WARM_UP = 300
const WARM_UP_CONNECTIONS = 8
const DRAIN_MS = 600_000

/** Orders through the gateway until each has its row in the analytics, segment after segment; then part A on this machine. */
async function benchRestman(options: OneBench): Promise<Measured> {
  const { session, spec, orders, connections, progress } = options
  const { run, signal } = session
  const found = spec.servers.map(async (name) => [name, await session.server(name)])
  const servers = Object.fromEntries(await Promise.all(found))
  const startedAt = performance.now()
  const env = { LOG_LEVEL: 'warn' }
  const { admin, serviceEnv } = loadSettings()
  const part = await startPart(spec, { run, signal, servers, env, serviceEnv })
  const startMs = performance.now() - startedAt
  const segments: Segment[] = []
  let valid = false
  let rssMb = 0
  try {
    const restman = await openRestman(part, admin, signal)
    const bench = { ...options, part, restman, rows: openClickHouse(part.servers.clickhouse!) }
    // Before anything is compiled or connected as many at a time would wait for longer than they may.
    await segment({ ...bench, connections: WARM_UP_CONNECTIONS }, WARM_UP, 0)
    let placed = WARM_UP
    for (let at = 0; at < SEGMENTS; at++) {
      const count = Math.ceil(orders / SEGMENTS)
      progress(`segment ${at + 1} of ${SEGMENTS}: ${count} orders`)
      segments.push(await segment(bench, count, placed))
      placed += count
    }
    rssMb = processesOf(part).reduce((sum, { rssBytes }) => sum + rssBytes, 0) / 2 ** 20
    valid = (await bench.rows.count('orders')) === placed && (await bench.rows.count('bills')) === placed
    await restman.close()
  } finally {
    await part.close()
  }
  progress('part A on the same machine')
  const yardstick = await measureThroughput({
    session,
    part: 'sync-rest',
    orders: [Math.min(orders, 10_000)],
    connections,
    progress,
  })
  const [a] = yardstick.segments
  const flatness = segments.at(-1)!.cpuUsPerOrder / segments[0]!.cpuUsPerOrder
  const isValid = valid && yardstick.valid
  return {
    part: spec.name,
    ledger: isValid ? [] : ['not every order had its rows once', ...yardstick.ledger],
    lines: [
      `services ready after ${(startMs / 1_000).toFixed(1)} s, target ${TARGETS.startMs / 1_000}`,
      `resident, all services: ${Math.round(rssMb)} MB, target ${TARGETS.rssMb}`,
      `cost of an order, last segment to first: ${flatness.toFixed(2)}, target ${TARGETS.flatness}`,
    ],
    short: `ready after ${(startMs / 1_000).toFixed(1)} s`,
    data: { start_ms: startMs, flatness, rss_mb: rssMb, segments },
    tables: [
      {
        title: `Orders through the gateway, ${connections} at a time, until each has its row in the analytics`,
        columns: [
          'segment',
          'orders',
          'refused',
          'accepted/s',
          'completed/s',
          'µs of processor per order, all services',
        ],
        rows: [
          ...segments.map((one, at) => [
            at + 1,
            one.orders,
            one.refused,
            one.acceptedPerSecond,
            one.completedPerSecond,
            one.cpuUsPerOrder,
          ]),
          [
            'part A',
            a?.orders ?? 0,
            0,
            a?.accepted_per_second ?? 0,
            a?.completed_per_second ?? 0,
            cpuOf(a?.processes ?? []),
          ],
        ],
      },
    ],
  }
}

interface Loaded extends OneBench {
  part: RunningPart
  restman: Restman
  rows: ReturnType<typeof openClickHouse>
}

/** A closed loop of so many connections. */
async function segment(
  { part, restman, rows, connections, session }: Loaded,
  count: number,
  before: number,
): Promise<Segment> {
  const cpuBefore = cpuUs(part)
  const startedAt = performance.now()
  let next = 0
  let left = count
  const refused = new Map<number, number>()
  const client = async () => {
    while (left > 0) {
      left--
      session.signal.throwIfAborted()
      const { orderId, status } = await restman.place(next++)
      if (orderId !== undefined) continue
      // A busy machine is late with a price: a 503 has stored nothing, and the customer comes again.
      left++
      refused.set(status, (refused.get(status) ?? 0) + 1)
      if (status !== 503 || refused.get(status)! > count) throw new Error(`an order was answered ${status}`)
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  const acceptedMs = performance.now() - startedAt
  const drained = async () =>
    (await rows.count('orders')) >= before + count && (await rows.count('bills')) >= before + count
  await until(drained, {
    what: 'every order to have its rows',
    timeoutMs: DRAIN_MS,
    everyMs: 100,
    signal: session.signal,
  })
  const completedMs = performance.now() - startedAt
  return {
    orders: count,
    refused: refused.get(503) ?? 0,
    acceptedPerSecond: Math.round((count / acceptedMs) * 1_000),
    completedPerSecond: Math.round((count / completedMs) * 1_000),
    cpuUsPerOrder: Math.round((cpuUs(part) - cpuBefore) / count),
  }
}

const processesOf = ({ services }: RunningPart) =>
  Object.values(services).flatMap(({ pid }) => readProcess(pid) ?? [])
const cpuUs = (part: RunningPart) => processesOf(part).reduce((sum, one) => sum + one.cpuUs, 0)
/** Without the generator of the load, which comes last. */
const cpuOf = (processes: { cpu_us_per_order?: number | undefined }[]) =>
  processes.slice(0, -1).reduce((sum, one) => sum + (one.cpu_us_per_order ?? 0), 0)
