import { openPartClient } from '../parts/client.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { bulkRecords } from '../parts/streaming-kafka.ts'
import { openKafkaProbe } from '../probes/kafka.ts'
import { stockEnv } from '../trio.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
  voidingCheck,
} from './experiment.ts'
import {
  type AnalyticsReport,
  countTopics,
  placeBulk,
  type TopicCount,
  untilCounted,
} from './kafka-counts.ts'

interface Params extends Record<string, unknown> {
  orders: number
  /** Of each item. Bulk orders take 1 to 5 of the items in turn, so `orders` of each would do for all. */
  stockPerItem: number
}

export const kafkaBulk = defineExperiment<Params>({
  name: 'kafka-bulk',
  part: 'streaming-kafka',
  question: 'How fast do many orders go through the log, and do the analytics count exactly what is in it?',
  profiles: {
    quick: { orders: 1_000, stockPerItem: 800 },
    default: { orders: 10_000, stockPerItem: 8_000 },
    // The seed's stock: nearly every order fails, and the rate must say so.
    full: { orders: 10_000, stockPerItem: 100 },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const seen = await observe(context)
  const { bulk, report, log, seconds } = seen
  return {
    checks: checksOf(seen),
    tables: tablesOf(seen),
    data: { bulk, analytics: report, log, seconds_until_counted: seconds },
  }
}

type Seen = Awaited<ReturnType<typeof observe>>

async function observe(context: ExperimentContext<Params>) {
  const { params, signal, progress } = context
  const initial = { burger: params.stockPerItem, pizza: params.stockPerItem, salad: params.stockPerItem }
  const part = await context.start({ env: stockEnv(initial) })
  await using client = openPartClient(part, signal)
  await using probe = await openKafkaProbe(part.kafka!)

  progress(`placing ${params.orders} orders with POST /orders/bulk`)
  const startedAt = performance.now()
  const bulk = await placeBulk(client, params.orders)
  const report = await untilCounted(client, bulk.accepted, { ...context, timeoutMs: 120_000 })
  const seconds = (performance.now() - startedAt) / 1_000

  progress('counting both topics without the services')
  const log = await countTopics(probe, signal)
  const orders = await client.orders()
  const ledger = ledgerCheck('', await ledgerOf(part, { histories: [bulkRecords(bulk)], initial, signal }))
  return { params, bulk, report, seconds, log, listed: orders.length, ledger }
}

function checksOf({ params, bulk, report, log, listed, ledger }: Seen): Check[] {
  const decided = log.reserved + log.failed
  return [
    analyticsEqualLog(report, log),
    check(
      'the log acknowledges every order',
      bulk.accepted === params.orders && bulk.unknown === 0,
      `${bulk.accepted} of ${params.orders} accepted, ${bulk.unknown} unknown`,
    ),
    voidingCheck(
      'each order is decided once',
      log.decidedTwice === 0 && log.phantoms === 0 && decided === log.orders,
      `${log.orders} orders, ${decided} decided, ${log.decidedTwice} twice, ${log.phantoms} decisions without an order`,
    ),
    check(
      'GET /orders lists every order of the log',
      listed === log.orders,
      `${listed} listed, ${log.orders} in the log`,
    ),
    ledger,
  ]
}

function tablesOf({ params, bulk, report, log, seconds }: Seen): Table[] {
  const analytics = [report.orders_total, report.reserved_total, report.failed_total]
  return [
    {
      title: `${params.orders} orders by POST /orders/bulk, stock of ${params.stockPerItem} an item`,
      columns: ['', 'orders', 'reserved', 'failed', 'failure rate %', 'orders/min (event time)'],
      rows: [
        ['analytics', ...analytics, percent(report.failure_rate), report.window.orders],
        [
          'counted from the topics',
          log.orders,
          log.reserved,
          log.failed,
          percent(rateOf(log)),
          log.lastMinute,
        ],
      ],
    },
    {
      title: 'Speed',
      columns: ['what', 'seconds', 'orders/s', 'orders/min'],
      rows: [
        ['acknowledged by the log', ...speed(bulk.accepted, bulk.seconds)],
        ['decided and counted by analytics', ...speed(report.orders_total, seconds)],
      ],
    },
  ]
}

function analyticsEqualLog(report: AnalyticsReport, log: TopicCount): Check {
  const pairs: [string, number, number][] = [
    ['orders', report.orders_total, log.orders],
    ['reserved', report.reserved_total, log.reserved],
    ['failed', report.failed_total, log.failed],
    ['failure rate', report.failure_rate, rateOf(log)],
    ['orders/min', report.window.orders, log.lastMinute],
  ]
  const differing = pairs.filter(([, analytics, counted]) => analytics !== counted)
  const detail = (differing.length === 0 ? pairs : differing)
    .map(([what, analytics, counted]) =>
      `${what} ${analytics} = ${counted}`.replace('=', analytics === counted ? '=' : '≠'),
    )
    .join(', ')
  return voidingCheck(
    'the analytics equal an independent count of the topics',
    differing.length === 0,
    detail,
  )
}

const rateOf = ({ reserved, failed }: TopicCount) =>
  reserved + failed === 0 ? 0 : failed / (reserved + failed)
const percent = (rate: number) => (rate * 100).toFixed(2)
const speed = (orders: number, seconds: number) => [
  seconds.toFixed(2),
  Math.round(orders / seconds),
  Math.round((orders / seconds) * 60),
]
