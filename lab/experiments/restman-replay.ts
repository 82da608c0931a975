import { until } from '@lab/kit/wait.ts'
import { openKafkaProbe } from '../probes/kafka.ts'
import { type Restman, startRestman, steadyLoad } from '../restman/client.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'

interface Params extends Record<string, unknown> {
  orders: number
  /** At which they are placed. */
  rate: number
}

export const restmanReplay = defineExperiment<Params>({
  name: 'restman-replay',
  part: 'platform-restman',
  question: 'Are the figures the same when the analytics are emptied and made again from the topics?',
  profiles: {
    quick: { orders: 40, rate: 40 },
    default: { orders: 1_000, rate: 50 },
    full: { orders: 20_000, rate: 80 },
  },
  run,
})

const SERVICE = 'analytics-service'
const GROUP = 'analytics-service'
const TOPICS = ['order.events', 'bill.events']
const DRAIN_MS = 120_000

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params, signal, progress } = context
  const { part, restman, clickhouse } = await startRestman(context)
  const analytics = part.services[SERVICE]!

  progress(`${params.orders} orders`)
  const loaded = await steadyLoad(restman, { ...params, isOver: (at) => at >= params.orders, signal })
  const ids = loaded.flatMap(({ orderId }) => orderId ?? [])
  const lived = await live(restman, ids, signal)
  await until(async () => (await statusesOf(restman)) === lived, {
    what: 'the analytics to have everything',
    timeoutMs: DRAIN_MS,
    signal,
    detail: () => lived,
  })
  const look = async () => ({ figures: await figuresOf(restman), digest: await clickhouse.digest() })
  const before = await look()

  progress('everything comes a second time')
  await using probe = await openKafkaProbe(part.servers.kafka!)
  const rewind = async () => {
    await analytics.stop()
    for (const topic of TOPICS) await probe.rewind(GROUP, topic)
  }
  const isCaughtUp = async () => {
    const lags = await Promise.all(TOPICS.map((topic) => probe.lag(GROUP, topic)))
    return lags.flat().every(({ lag }) => lag === 0)
  }
  const rebuild = async () => {
    const startedAt = performance.now()
    await analytics.start()
    await until(isCaughtUp, { what: 'the topics to be read again', timeoutMs: DRAIN_MS, signal })
    return performance.now() - startedAt
  }
  await rewind()
  await rebuild()
  const twice = await look()

  progress('emptied, and made again')
  await rewind()
  await clickhouse.empty()
  const emptied = await clickhouse.count('orders')
  const tookMs = await rebuild()
  const after = await look()
  await restman.close()

  const same = (one: typeof before) => one.figures === before.figures && one.digest === before.digest
  return {
    checks: [
      check(
        'every order is in the figures',
        ids.length === params.orders,
        `${ids.length} of ${params.orders}`,
      ),
      check(
        'a second delivery of everything changes no figure',
        same(twice),
        `${before.digest} and ${twice.digest}`,
      ),
      check('emptied it knows nothing', emptied === 0, `${emptied} orders`),
      check('made again the figures are the same', same(after), `${before.digest} and ${after.digest}`),
    ],
    tables: [
      {
        title: 'The analytics, by rows and the sum of their hashes: orders / items / bills',
        columns: ['when', 'rows and hashes'],
        rows: [
          ['before', before.digest],
          ['everything a second time', twice.digest],
          ['emptied and made again', after.digest],
        ],
      },
    ],
    reading: [
      `${params.orders} orders were read again in ${(tookMs / 1_000).toFixed(1)} s, the start of the service included.`,
    ],
    data: { orders: ids.length, rebuild_ms: Math.round(tookMs), before, twice, after },
  }
}

const STEPS = ['preparing', 'ready', 'delivered']

/** Some are cooked, some delivered, some paid, some cancelled. Answers how many should be in which status. */
async function live(restman: Restman, ids: string[], signal: AbortSignal): Promise<string> {
  const counts = new Map<string, number>()
  for (const [at, id] of ids.entries()) {
    signal.throwIfAborted()
    const steps = at % 10 === 9 ? ['cancelled'] : STEPS.slice(0, at % 4)
    if (at % 10 === 9) await restman.ask('POST', `/api/orders/${id}/cancel`)
    else for (const status of steps) await restman.advance(id, status)
    if (at % 2 === 0) await restman.pay(id)
    const status = steps.at(-1) ?? 'placed'
    counts.set(status, (counts.get(status) ?? 0) + 1)
  }
  return textOf([...counts])
}

async function statusesOf(restman: Restman): Promise<string> {
  const { statuses } = await restman.ask<{ statuses: { status: string; order_count: number }[] }>(
    'GET',
    '/api/analytics/orders-by-status',
  )
  return textOf(statuses.map(({ status, order_count }) => [status, order_count]))
}

const textOf = (counts: [string, number][]) =>
  counts
    .map((entry) => entry.join(' '))
    .sort()
    .join(', ')

async function figuresOf(restman: Restman): Promise<string> {
  const paths = ['top-foods?limit=100', 'revenue', 'orders-by-status']
  const answers = paths.map((path) => restman.ask('GET', `/api/analytics/${path}`))
  return JSON.stringify(await Promise.all(answers))
}
