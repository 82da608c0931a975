import { ITEMS } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { waitFor } from '@lab/kit/wait.ts'
import {
  allAnswered,
  answered,
  closedLoop,
  countOutcomes,
  describeOutcomes,
  type LoadResult,
  orderIds,
  recordsOf,
} from '../load/closed-loop.ts'
import { histogramOf, LATENCY_COLUMNS, latencyCells, milliseconds, summarize } from '../load/histogram.ts'
import type { PartWatch } from '../part.ts'
import { openPartClient, type PartClient } from '../parts/client.ts'
import { watchPart } from '../parts/index.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { stockEnv, stockFor } from '../trio.ts'
import { percentileChart } from './curves.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
} from './experiment.ts'

interface Params extends Record<string, unknown> {
  orders: number
  /** Injected into the inventory service, per request. */
  delaySeconds: number
  /** How far the rise of the median may be from the delay: timers and a busy machine. */
  toleranceMs: number
  /** The order service's patience with one upstream call; the seed's is 5 s. */
  timeoutMs: number
  /** The delay that the time-out does not survive. */
  longDelaySeconds: number
  /** Placed at once under the long delay. */
  lateOrders: number
}

export const restDelay = defineExperiment<Params>({
  name: 'rest-delay',
  part: 'sync-rest',
  question:
    'What does a slow inventory cost the one who orders, and what becomes of an order that ran into the time-out?',
  profiles: {
    quick: {
      orders: 20,
      delaySeconds: 0.1,
      toleranceMs: 60,
      timeoutMs: 1_000,
      longDelaySeconds: 1.5,
      lateOrders: 5,
    },
    default: {
      orders: 20,
      delaySeconds: 0.4,
      toleranceMs: 100,
      timeoutMs: 5_000,
      longDelaySeconds: 6,
      lateOrders: 5,
    },
    full: {
      orders: 20,
      delaySeconds: 2,
      toleranceMs: 100,
      timeoutMs: 5_000,
      longDelaySeconds: 6,
      lateOrders: 5,
    },
  },
  run,
})

const WARMUP = 20

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params } = context
  const { before, delayed, late, ledger } = await observe(context)
  return {
    checks: [
      medianRises(before, delayed, params),
      answered201('every order is answered 201 without the delay', before),
      answered201('every order is answered 201 with the delay', delayed),
      ...timeoutChecks(late),
      ledger,
    ],
    tables: [
      {
        title: `Sequential POST /order with inventory ${params.delaySeconds} s slower`,
        columns: ['inventory', 'answers', ...LATENCY_COLUMNS],
        rows: [
          ['as it is', ...cells(before)],
          [`${params.delaySeconds} s slower`, ...cells(delayed)],
        ],
      },
      timeoutTable(late),
    ],
    charts: [
      percentileChart(
        'Latency by percentile, without and with the delay',
        [
          { name: 'inventory as it is', means: 'sync-rest', histogram: histogramOf(latencies(before)) },
          {
            name: `inventory ${params.delaySeconds} s slower`,
            means: 'sync-rest',
            histogram: histogramOf(latencies(delayed)),
          },
        ],
        'sending',
      ),
    ],
    data: {
      before: figures(before),
      delayed: figures(delayed),
      beyond_timeout: {
        outcomes: countOutcomes(late.load),
        still_reserved: late.still,
        settled_after_ms: late.settledMs,
      },
    },
  }
}

async function observe(context: ExperimentContext<Params>) {
  const { params, signal, progress } = context
  const initial = stockFor(WARMUP + 2 * params.orders + params.lateOrders)
  const env = { ...stockEnv(initial), UPSTREAM_TIMEOUT_MS: String(params.timeoutMs) }
  const part = await context.start({ env })
  await using client = openPartClient(part, signal)
  const place = (count: number, concurrency: number, what: string) => {
    const onAnswer = (done: number) => progress(`${what}: ${done} of ${count} orders answered`)
    return closedLoop(client.place, { count, concurrency, signal, onAnswer })
  }

  const warmup = await place(WARMUP, 1, 'warming up')
  const before = await place(params.orders, 1, 'no delay')
  await client.command('inventory', '/admin/delay', { seconds: params.delaySeconds })
  const delayed = await place(params.orders, 1, `inventory ${params.delaySeconds} s slower`)
  await using watch = await watchPart({ part, client, signal })
  const late = await runIntoTimeout(client, { ...context, place, watch })

  const histories = [warmup, before, delayed, late.load].map(recordsOf)
  const ledger = await ledgerOf(part, { histories, initial, signal })
  return { before, delayed, late, ledger: ledgerCheck('', ledger) }
}

const latencies = (load: LoadResult) => answered(load).map(({ latencyUs }) => latencyUs)
const cells = (load: LoadResult) => [
  describeOutcomes(countOutcomes(load)),
  ...latencyCells(summarize(latencies(load))),
]
const figures = (load: LoadResult) => ({
  outcomes: countOutcomes(load),
  ...summarize(latencies(load)),
  histogram: histogramOf(latencies(load)).toJSON(),
})

function answered201(name: string, load: LoadResult): Check {
  const counts = countOutcomes(load)
  return check(name, allAnswered(counts, [201], load.attempts.length), describeOutcomes(counts))
}

/** Compares two medians of the same run, so what the machine costs is in both. */
function medianRises(before: LoadResult, delayed: LoadResult, { delaySeconds, toleranceMs }: Params): Check {
  const name = `the median rises by the delay (within ${toleranceMs} ms)`
  const from = summarize(latencies(before)).p50_us
  const to = summarize(latencies(delayed)).p50_us
  if (from === undefined || to === undefined)
    return check(name, false, 'there are too few answers for a median')
  const rise = to - from
  const holds = Math.abs(rise - delaySeconds * 1_000_000) <= toleranceMs * 1_000
  const detail = `from ${milliseconds(from)} to ${milliseconds(to)} ms: ${milliseconds(rise)} ms for a delay of ${delaySeconds * 1_000} ms`
  return check(name, holds, detail)
}

interface TimeoutParams {
  timeoutMs: number
  longDelaySeconds: number
  lateOrders: number
}

interface Options extends Pick<ExperimentContext<TimeoutParams>, 'params' | 'progress' | 'signal'> {
  place: (count: number, concurrency: number, what: string) => Promise<LoadResult>
  watch: Pick<PartWatch, 'settled'>
}

/**
 * Orders that are given up on while inventory still works on them. The client hears 504; then the reservation happens
 * after all, and only settling in the background gives the stock back.
 */
async function runIntoTimeout(client: PartClient, options: Options) {
  const { params, progress, signal, place, watch } = options
  const { timeoutMs, longDelaySeconds, lateOrders } = params
  const before = await client.stock()
  await client.command('inventory', '/admin/delay', { seconds: longDelaySeconds })
  const what = `inventory ${longDelaySeconds} s slower, patience ${timeoutMs / 1_000} s`
  const load = await place(lateOrders, lateOrders, what)

  progress(`all ${lateOrders} answered; waiting for the reservations that were given up on`)
  const allMoved = async () => movedSince(before, await client.stock()) === lateOrders
  await waitFor(`stock to move for ${lateOrders} orders that were answered 504`, allMoved, {
    timeoutMs: longDelaySeconds * 1_000 + 10_000,
    everyMs: 20,
    signal,
  })
  const clearedAt = performance.now()
  await client.clearFaults('inventory')
  await watch.settled(30_000)
  const settledMs = Math.round(performance.now() - clearedAt)

  const ids = new Set(orderIds(load))
  const statuses = (await client.orders())
    .filter(({ order_id }) => ids.has(order_id))
    .map(({ status }) => status)
  return { params, load, settledMs, statuses, still: movedSince(before, await client.stock()) }
}

type TimeoutSeen = Awaited<ReturnType<typeof runIntoTimeout>>

function timeoutChecks({ params, load, settledMs, statuses, still }: TimeoutSeen): Check[] {
  const count = params.lateOrders
  const counts = countOutcomes(load)
  const timedOut = answered(load).filter(({ order }) => order?.status === 'timeout')
  return [
    check(
      'beyond the time-out every order is answered 504, status timeout',
      allAnswered(counts, [504], count) && timedOut.length === count,
      `${describeOutcomes(counts)}, ${timedOut.length} with status timeout`,
    ),
    check(
      'what was reserved behind the time-out is released again',
      still === 0 && statuses.length === count && statuses.every((status) => status === 'failed'),
      `${count} reserved after the 504, ${still} still out of stock ${settledMs} ms after inventory answered again; the orders are ${[...new Set(statuses)].join(', ')}`,
    ),
  ]
}

const timeoutTable = ({ params, load, settledMs, still }: TimeoutSeen): Table => ({
  title: `Orders that ran into the time-out of ${params.timeoutMs} ms`,
  columns: ['orders', 'answers', 'reserved after the answer', 'released again', 'settled after ms'],
  rows: [
    [
      params.lateOrders,
      describeOutcomes(countOutcomes(load)),
      params.lateOrders,
      params.lateOrders - still,
      settledMs,
    ],
  ],
})

const movedSince = (before: Stock, now: Stock): number =>
  ITEMS.reduce((sum, item) => sum + before[item] - now[item], 0)
