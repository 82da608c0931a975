import { ITEMS } from '@lab/common/domain/order.ts'
import { waitFor } from '@lab/kit/wait.ts'
import {
  allAnswered,
  answered,
  countOutcomes,
  describeOutcomes,
  latenciesOf,
  orderIds,
  type Placed,
} from '../load/closed-loop.ts'
import { histogramOf, milliseconds, summarize } from '../load/histogram.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { stockFor } from '../trio.ts'
import { answeredCheck, type Bench, openBench } from './bench.ts'
import { latencyColumns, percentileChart } from './curves.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, says, tableOf } from './experiment.ts'

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

const usual = { orders: 20, toleranceMs: 100, timeoutMs: 5_000, longDelaySeconds: 6, lateOrders: 5 }

export const restDelay = defineExperiment<Params>({
  name: 'rest-delay',
  part: 'sync-rest',
  question:
    'What does a slow inventory cost the one who orders, and what becomes of an order that ran into the time-out?',
  profiles: {
    quick: { ...usual, delaySeconds: 0.1, toleranceMs: 60, timeoutMs: 1_000, longDelaySeconds: 1.5 },
    default: { ...usual, delaySeconds: 0.4 },
    full: { ...usual, delaySeconds: 2 },
  },
  run,
})

const WARMUP = 20

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { orders, delaySeconds, toleranceMs, timeoutMs, lateOrders } = context.params
  await using bench = await openBench(context, {
    stock: stockFor(WARMUP + 2 * orders + lateOrders),
    env: { UPSTREAM_TIMEOUT_MS: String(timeoutMs) },
  })
  await bench.place(WARMUP, { what: 'warming up' })
  const before = await bench.place(orders, { what: 'no delay' })
  await bench.client.command('inventory', '/admin/delay', { seconds: delaySeconds })
  const slower = `${delaySeconds} s slower`
  const delayed = await bench.place(orders, { what: `inventory ${slower}` })
  const late = await runIntoTimeout(bench, context.params)

  const [figuresBefore, figuresDelayed] = [before, delayed].map(figuresOf) as [Figures, Figures]
  // Two medians of the same run, so what the machine costs is in both.
  const [from, to] = [figuresBefore.p50_us, figuresDelayed.p50_us]
  const rise = (to ?? Number.NaN) - (from ?? Number.NaN)
  const timedOut = answered(late.load).filter(({ order }) => order?.status === 'timeout')
  const lateOutcomes = countOutcomes(late.load)
  return {
    checks: [
      check(
        `the median rises by the delay (within ${toleranceMs} ms)`,
        Math.abs(rise - delaySeconds * 1_000_000) <= toleranceMs * 1_000,
        from === undefined || to === undefined
          ? 'there are too few answers for a median'
          : `from ${milliseconds(from)} to ${milliseconds(to)} ms: ${milliseconds(rise)} ms for a delay of ${delaySeconds * 1_000} ms`,
      ),
      answeredCheck('every order is answered 201 without the delay', before, [201]),
      answeredCheck('every order is answered 201 with the delay', delayed, [201]),
      check(
        'beyond the time-out every order is answered 504, status timeout',
        allAnswered(lateOutcomes, [504], lateOrders) && timedOut.length === lateOrders,
        `${describeOutcomes(lateOutcomes)}, ${timedOut.length} with status timeout`,
      ),
      check(
        'what was reserved behind the time-out is released again',
        late.still === 0 &&
          late.statuses.length === lateOrders &&
          late.statuses.every((status) => status === 'failed'),
        `${lateOrders} reserved after the 504, ${late.still} still out of stock ${late.settledMs} ms after inventory answered again; the orders are ${[...new Set(late.statuses)].join(', ')}`,
      ),
      ledgerCheck('', await bench.ledger()),
    ],
    tables: [
      tableOf<[string, Figures]>(
        `Sequential POST /order with inventory ${slower}`,
        [
          ['as it is', figuresBefore],
          [slower, figuresDelayed],
        ],
        [
          ['inventory', ([inventory]) => inventory],
          ['answers', ([, { outcomes }]) => describeOutcomes(outcomes)],
          ...latencyColumns<[string, Figures]>(([, { histogram }]) => histogram),
        ],
      ),
      tableOf(
        `Orders that ran into the time-out of ${timeoutMs} ms`,
        [late],
        [
          ['orders', () => lateOrders],
          ['answers', () => describeOutcomes(lateOutcomes)],
          ['reserved after the answer', () => lateOrders],
          ['released again', ({ still }) => lateOrders - still],
          ['settled after ms', ({ settledMs }) => settledMs],
        ],
      ),
    ],
    charts: [
      percentileChart(
        'Latency by percentile, without and with the delay',
        [
          { name: 'inventory as it is', means: 'sync-rest', histogram: figuresBefore.histogram },
          { name: `inventory ${slower}`, means: 'sync-rest', histogram: figuresDelayed.histogram },
        ],
        'sending',
      ),
    ],
    says: says('sync-rest', [
      [
        'a slow or absent service',
        `the customer waits: median ${milliseconds(from ?? 0)} → ${milliseconds(to ?? 0)} ms`,
      ],
    ]),
    data: {
      before: figuresBefore,
      delayed: figuresDelayed,
      beyond_timeout: {
        outcomes: lateOutcomes,
        still_reserved: late.still,
        settled_after_ms: late.settledMs,
      },
    },
  }
}

type Figures = ReturnType<typeof figuresOf>
function figuresOf(load: Placed[]) {
  const histogram = histogramOf(latenciesOf(load))
  return { outcomes: countOutcomes(load), ...summarize(histogram), histogram }
}

/**
 * Orders that are given up on while inventory still works on them. The client hears 504; then the reservation happens
 * after all, and only settling in the background gives the stock back.
 */
async function runIntoTimeout(bench: Bench, { timeoutMs, longDelaySeconds, lateOrders }: Params) {
  const { client, watch, progress, signal } = bench
  const before = await client.stock()
  const moved = async () => {
    const now = await client.stock()
    return ITEMS.reduce((sum, item) => sum + before[item] - now[item], 0)
  }
  await client.command('inventory', '/admin/delay', { seconds: longDelaySeconds })
  const what = `inventory ${longDelaySeconds} s slower, patience ${timeoutMs / 1_000} s`
  const load = await bench.place(lateOrders, { concurrency: lateOrders, what })

  progress(`all ${lateOrders} answered; waiting for the reservations that were given up on`)
  const allMoved = async () => (await moved()) === lateOrders
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
  const own = (await client.orders()).filter(({ order_id }) => ids.has(order_id))
  return { load, settledMs, statuses: own.map(({ status }) => status), still: await moved() }
}
