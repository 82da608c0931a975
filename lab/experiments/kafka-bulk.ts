import { ledgerCheck } from '../parts/ledger.ts'
import { openKafkaProbe } from '../probes/kafka.ts'
import { formatNumber, perSecond } from '../report/number.ts'
import { ofEach } from '../trio.ts'
import { openBench } from './bench.ts'
import {
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  says,
  voidingCheck,
} from './experiment.ts'
import { countTopics, placeBulk, untilCounted } from './kafka-counts.ts'

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
  const { params, signal, progress } = context
  await using bench = await openBench(context, { stock: ofEach(params.stockPerItem) })
  await using probe = await openKafkaProbe(bench.part.kafka!)

  progress(`placing ${params.orders} orders with POST /orders/bulk`)
  const startedAt = performance.now()
  const bulk = await placeBulk(bench, params.orders)
  const report = await untilCounted(bench, bulk.accepted)
  const seconds = (performance.now() - startedAt) / 1_000

  progress('counting both topics without the services')
  const log = await countTopics(probe, signal)
  const listed = (await bench.client.orders()).length
  const decided = log.reserved + log.failed
  const counts: [what: string, analytics: number, counted: number][] = [
    ['orders', report.orders_total, log.orders],
    ['reserved', report.reserved_total, log.reserved],
    ['failed', report.failed_total, log.failed],
    ['failure rate', report.failure_rate, decided === 0 ? 0 : log.failed / decided],
    ['orders/min', report.window.orders, log.lastMinute],
  ]
  const differing = counts.filter(([, analytics, counted]) => analytics !== counted)
  return {
    checks: [
      voidingCheck(
        'the analytics equal an independent count of the topics',
        differing.length === 0,
        differing.length === 0
          ? counts.map(([what, analytics, counted]) => `${what} ${analytics} = ${counted}`).join(', ')
          : differing.map(([what, analytics, counted]) => `${what} ${analytics} ≠ ${counted}`).join(', '),
      ),
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
      ledgerCheck('', await bench.ledger()),
    ],
    tables: [
      {
        title: `${params.orders} orders by POST /orders/bulk, stock of ${params.stockPerItem} an item`,
        columns: ['', 'orders', 'reserved', 'failed', 'failure rate %', 'orders/min (event time)'],
        rows: [
          ['analytics', ...counts.map(([what, analytics]) => shown(what, analytics))],
          ['counted from the topics', ...counts.map(([what, , counted]) => shown(what, counted))],
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
    ],
    says: says('streaming-kafka', [
      [
        'an order',
        `accepted in bulk, done later: ${formatNumber(report.orders_total)} at ${perSecond(report.orders_total / seconds)}, counted by analytics`,
      ],
    ]),
    data: { bulk, analytics: report, log, seconds_until_counted: seconds },
  }
}

const shown = (what: string, value: number) => (what === 'failure rate' ? (value * 100).toFixed(2) : value)
const speed = (orders: number, seconds: number) => [
  seconds.toFixed(2),
  Math.round(orders / seconds),
  Math.round((orders / seconds) * 60),
]
