import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@lab/kit/wait.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import pLimit from 'p-limit'
import { type Loaded, type Restman, startRestman, steadyLoad } from '../restman/client.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, tableOf } from './experiment.ts'

interface Params extends Record<string, unknown> {
  /** Orders per second, all the time. */
  rate: number
  beforeSeconds: number
  outageSeconds: number
  afterSeconds: number
  /** Servers and services, one after the other. */
  away: string[]
}

const SERVERS = ['postgres', 'kafka', 'redis', 'clickhouse', 'mail'] as const
const SERVICES = ['restaurant', 'order', 'kitchen', 'billing', 'analytics', 'scheduler', 'auth'].map(
  (name) => `${name}-service`,
)
const EVERYTHING = [...SERVERS, ...SERVICES, 'gateway']

export const restmanOutage = defineExperiment<Params>({
  name: 'restman-outage',
  part: 'platform-restman',
  question:
    'Each server and each service is away for a while: what do customers hear, what is late, is anything lost?',
  profiles: {
    quick: {
      rate: 10,
      beforeSeconds: 1,
      outageSeconds: 2,
      afterSeconds: 2,
      away: ['kafka', 'billing-service'],
    },
    default: { rate: 20, beforeSeconds: 2, outageSeconds: 10, afterSeconds: 4, away: EVERYTHING },
    full: { rate: 50, beforeSeconds: 5, outageSeconds: 60, afterSeconds: 15, away: EVERYTHING },
  },
  run,
})

/** Late is not lost: while fewer orders lack something after this, the rest is waited for. */
const SETTLES_WITHIN_MS = 120_000
const ASKED_AT_ONCE = 16

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params } = context
  const platform = await startRestman(context)
  const seen = await Array.fromAsync(params.away, (name) => outageOf(context, platform, name))
  await platform.restman.close()

  return {
    checks: seen.flatMap(({ name, orders, during, slowestMs, missing, acceptedMs }) => [
      check(
        `${name}: nothing that was accepted is lost or doubled`,
        missing.length === 0,
        missing.length === 0 ? `${orders.filter(isAccepted).length} orders` : missing.join('; '),
      ),
      check(
        `${name}: customers hear an answer in bounded time`,
        during.every(({ tookMs, status }) => tookMs < 15_000 && (status !== 0 || name === 'gateway')),
        `the longest took ${slowestMs} ms`,
      ),
      check(
        `${name}: orders are accepted again by itself`,
        acceptedMs < Infinity,
        `the first ${Math.round(acceptedMs)} ms after the return`,
      ),
    ]),
    tables: [
      tableOf(`Away for ${params.outageSeconds} s under ${params.rate} orders/s`, seen, [
        ['away', ({ name }) => name],
        ['answers meanwhile', ({ during }) => heard(during)],
        ['slowest ms', ({ slowestMs }) => slowestMs],
        ['accepted again after ms', ({ acceptedMs }) => Math.round(acceptedMs)],
        ['all settled after ms', ({ settledMs }) => Math.round(settledMs)],
      ]),
    ],
    reading: seen.map(
      ({ name, during }) =>
        `${name} away: ${during.filter(isAccepted).length} of ${during.length} orders were accepted meanwhile.`,
    ),
    data: {
      outages: seen.map(({ name, during, acceptedMs, settledMs, missing }) => ({
        name,
        heard: heard(during),
        accepted_ms: Math.round(acceptedMs),
        settled_ms: Math.round(settledMs),
        missing,
      })),
    },
  }
}

const isAccepted = ({ orderId }: Loaded) => orderId !== undefined

/** How many customers heard what: `201: 38, 503: 2`. */
const heard = (orders: Loaded[]): string =>
  [...Map.groupBy(orders, ({ status }) => (status === 0 ? 'no answer' : status))]
    .map(([answer, all]) => `${answer}: ${all.length}`)
    .join(', ')

type Platform = Awaited<ReturnType<typeof startRestman>>

async function outageOf(context: ExperimentContext<Params>, platform: Platform, name: string) {
  const { part, restman } = platform
  const { params, signal, progress } = context
  const victim = part.services[name] ?? controlOf(part, name)
  progress(`${name}: steady load`)
  let isOver = false
  const loading = steadyLoad(restman, { ...params, isOver: () => isOver, signal })
  const wait = (seconds: number) => sleep(seconds * 1_000, undefined, { signal })
  const now = () => performance.timeOrigin + performance.now()

  await wait(params.beforeSeconds)
  progress(`${name}: away for ${params.outageSeconds} s`)
  const awayAt = now()
  await victim.kill()
  await wait(params.outageSeconds)
  const backAt = now()
  await victim.start()
  progress(`${name}: back`)
  await wait(params.afterSeconds)
  isOver = true
  const orders = await loading
  const ids = orders.flatMap(({ orderId }) => orderId ?? [])
  const missing = await settle(platform, ids, signal)
  const during = orders.filter(({ intendedAt }) => intendedAt >= awayAt && intendedAt < backAt)
  const after = orders.find((order) => order.intendedAt >= backAt && isAccepted(order))
  return {
    name,
    orders,
    during,
    slowestMs: Math.round(Math.max(0, ...during.map(({ tookMs }) => tookMs))),
    missing,
    /** From the return to the first order accepted after it. */
    acceptedMs: after ? after.intendedAt + after.tookMs - backAt : Infinity,
    /** From the return to the last order having a ticket, a bill and a row. */
    settledMs: now() - backAt,
  }
}

/** Waits until every accepted order has what it should have; answers what some still lack, or have twice. */
async function settle({ restman, clickhouse }: Platform, accepted: string[], signal: AbortSignal) {
  const limit = pLimit(ASKED_AT_ONCE)
  let lacking = accepted.map((id) => ({ id, why: `${id} was never asked for` }))
  const complete = async () => {
    const rows = new Set(await clickhouse.orderIds())
    const whyOf = (id: string) => (rows.has(id) ? whyNot(restman, id) : `${id} has no row`)
    const asked = await Promise.all(
      lacking.map(({ id }) => limit(async () => ({ id, why: await whyOf(id) }))),
    )
    lacking = asked.flatMap(({ id, why }) => (why === undefined ? [] : { id, why }))
    return lacking.length === 0
  }
  const wait = { what: 'all orders to settle', timeoutMs: SETTLES_WITHIN_MS, everyMs: 500, signal }
  let trouble = ''
  for (let before = Infinity; lacking.length > 0 && lacking.length < before; ) {
    before = lacking.length
    await until(complete, wait).catch((err) => {
      trouble = String(err)
    })
    signal.throwIfAborted()
  }
  return lacking.length === 0 ? [] : [...lacking.slice(0, 5).map(({ why }) => why), trouble]
}

interface Road {
  events: { type: string }[]
  ticket: { state: string }
}

async function whyNot(restman: Restman, id: string): Promise<string | undefined> {
  const [bill, road] = await Promise.all([
    restman.call('GET', `/api/billing/bills/order/${id}`),
    restman.call<Road>('GET', `/api/scheduler/orders/${id}/road`),
  ])
  if (bill.status !== 200) return `${id}: its bill is a ${bill.status}`
  if (road.status !== 200) return `${id}: its road is a ${road.status}`
  if (road.body.ticket.state !== 'there') return `${id} has no ticket`
  const bills = road.body.events.filter(({ type }) => type === 'bill.created').length
  return bills === 1 ? undefined : `${id} has ${bills} bills`
}

function controlOf({ servers }: RunningPart, name: string) {
  const control =
    SERVERS.some((server) => server === name) && servers[name as (typeof SERVERS)[number]]?.control
  if (!control) throw new Error(`${name} is no service, and no server that can be taken away`)
  return control
}
