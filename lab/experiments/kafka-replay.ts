import { waitFor } from '@lab/kit/wait.ts'
import { allAnswered, answered, countOutcomes, describeOutcomes, type Placed } from '../load/closed-loop.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { openKafkaProbe } from '../probes/kafka.ts'
import { formatNumber } from '../report/number.ts'
import { ofEach } from '../trio.ts'
import { type Bench, openBench } from './bench.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  says,
  voidingCheck,
} from './experiment.ts'
import { type AnalyticsReport, countTopics, placeBulk, readAnalytics, untilCounted } from './kafka-counts.ts'

interface Params extends Record<string, unknown> {
  orders: number
  /** Placed one by one while the replay goes on. */
  liveOrders: number
}

export const kafkaReplay = defineExperiment<Params>({
  name: 'kafka-replay',
  part: 'streaming-kafka',
  question: 'Does reading the log again give the same answer, also while it grows?',
  profiles: {
    quick: { orders: 1_000, liveOrders: 200 },
    default: { orders: 10_000, liveOrders: 1_000 },
    full: { orders: 10_000, liveOrders: 1_000 },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { orders, liveOrders } = context.params
  await using bench = await openBench(context, { stock: ofEach(Math.round((orders + liveOrders) * 0.8)) })
  await using probe = await openKafkaProbe(bench.part.kafka!)

  await placeBulk(bench, orders)
  const before = await untilCounted(bench, orders)
  const quiet = await replay(bench, orders)
  const live = await replayWhileOrdersArrive(bench, liveOrders)
  const total = orders + live.accepted
  const grown = await untilCounted(bench, total)
  const again = await replay(bench, total)

  const log = await countTopics(probe, context.signal)
  const { orders_total, reserved_total, failed_total, replay: last } = again.report
  return {
    checks: [
      same('a replay ends with the same projection', before, quiet.report),
      check('orders arrive while the replay goes on', live.holds, live.detail),
      same('a replay with orders arriving ends as one in quiet does', grown, again.report),
      // Otherwise equal projections would prove nothing: they could be the ones from before.
      voidingCheck(
        'the replay reads every record',
        last.processed === log.records,
        `${last.processed} read, ${log.records} in the topics`,
      ),
      voidingCheck(
        'the totals equal an independent count of the topics',
        orders_total === log.orders && reserved_total === log.reserved && failed_total === log.failed,
        `${orders_total}/${reserved_total}/${failed_total} by analytics, ${log.orders}/${log.reserved}/${log.failed} in the topics (orders/reserved/failed)`,
      ),
      ledgerCheck('', await bench.ledger()),
    ],
    tables: [
      {
        title: 'The projection before and after',
        columns: ['when', 'orders', 'reserved', 'failed', 'records read', 'ms', 'projection_hash'],
        rows: [
          rowOf('before', before),
          rowOf('replayed', quiet.report, quiet.ms),
          rowOf('replayed while orders arrived', grown),
          rowOf('replayed again, in quiet', again.report, again.ms),
          ['counted from the topics', log.orders, log.reserved, log.failed, log.records, '', ''],
        ],
      },
    ],
    says: says('streaming-kafka', [
      [
        'the same message again',
        `${formatNumber(before.orders_total)} orders read again in ${(quiet.ms / 1_000).toFixed(1)} s: the same projection`,
      ],
    ]),
    data: { before, replayed: quiet, live, grown, replayed_again: again, log },
  }
}

function rowOf(when: string, report: AnalyticsReport, ms?: number) {
  const { orders_total, reserved_total, failed_total, projection_hash } = report
  const read = ms === undefined ? ['', ''] : [report.replay.processed, Math.round(ms)]
  return [when, orders_total, reserved_total, failed_total, ...read, projection_hash.slice(0, 16)]
}

function same(name: string, a: AnalyticsReport, b: AnalyticsReport): Check {
  const of = ({ orders_total, reserved_total, failed_total, projection_hash }: AnalyticsReport) =>
    `${orders_total} orders, ${reserved_total} reserved, ${failed_total} failed, hash ${projection_hash.slice(0, 12)}`
  const holds = a.projection_hash === b.projection_hash && of(a) === of(b)
  return check(name, holds, holds ? of(a) : `${of(a)} ≠ ${of(b)}`)
}

const reset = ({ client }: Bench) => client.command('third', '/admin/reset-offsets', undefined)

/** Clears the analytics, reads both topics from their beginning, and waits until all of it is counted. */
async function replay(bench: Bench, orders: number): Promise<{ report: AnalyticsReport; ms: number }> {
  const startedAt = performance.now()
  await reset(bench)
  const report = await untilCounted(bench, orders)
  return { report, ms: performance.now() - startedAt }
}

const CHUNK = 50

/** Resets the analytics while orders keep coming, until the replay has caught up and `atLeast` have arrived. */
async function replayWhileOrdersArrive(bench: Bench, atLeast: number) {
  const { client, progress, signal } = bench
  const placed: Placed[] = []
  const placeChunk = async () => {
    placed.push(...(await bench.place(CHUNK, { concurrency: 4 })))
    progress(`reading the log again; ${placed.length} more orders have arrived`)
  }
  /** Nothing of what the log had at the reset is left to read. */
  const isCaughtUp = async () => !(await readAnalytics(client)).replay.replaying

  await placeChunk()
  const resetAt = performance.now()
  let isOver = false
  const replaying = async () => {
    try {
      await reset(bench)
      await waitFor('the replay to catch up', isCaughtUp, { timeoutMs: 120_000, everyMs: 10, signal })
      return performance.now()
    } finally {
      isOver = true
    }
  }
  const arriving = async () => {
    while (!isOver || placed.length < atLeast) await placeChunk()
  }
  const [caughtUpAt] = await Promise.all([replaying(), arriving()])

  const counts = countOutcomes(placed)
  const answeredAt = answered(placed).map(({ startedAt, latencyUs }) => startedAt + latencyUs / 1_000)
  const during = answeredAt.filter((at) => at > resetAt && at < caughtUpAt).length
  return {
    accepted: counts['202'] ?? 0,
    during,
    holds: during > 0 && allAnswered(counts, [202], placed.length),
    detail: `${describeOutcomes(counts)}; ${during} of them while the replay went on, ${Math.round(caughtUpAt - resetAt)} ms`,
  }
}
