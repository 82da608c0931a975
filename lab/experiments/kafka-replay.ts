import { waitFor } from '@lab/kit/wait.ts'
import {
  type Attempt,
  allAnswered,
  closedLoop,
  countOutcomes,
  describeOutcomes,
  recordsOf,
} from '../load/closed-loop.ts'
import { openPartClient, type PartClient } from '../parts/client.ts'
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
  readAnalytics,
  type TopicCount,
  untilCounted,
} from './kafka-counts.ts'

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

/** One replay: the projection it ended with, and how long it took. */
interface Replay {
  report: AnalyticsReport
  ms: number
}

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const seen = await observe(context)
  const { before, quiet, live, grown, again, log } = seen
  return {
    checks: checksOf(seen),
    tables: [tableOf(seen)],
    data: { before, replayed: quiet, live, grown, replayed_again: again, log },
  }
}

type Seen = Awaited<ReturnType<typeof observe>>

async function observe(context: ExperimentContext<Params>) {
  const { params, signal } = context
  const each = Math.round((params.orders + params.liveOrders) * 0.8)
  const initial = { burger: each, pizza: each, salad: each }
  const part = await context.start({ env: stockEnv(initial) })
  await using client = openPartClient(part, signal)
  await using probe = await openKafkaProbe(part.kafka!)

  const bulk = await placeBulk(client, params.orders)
  const before = await untilCounted(client, params.orders, { ...context, timeoutMs: 120_000 })
  const quiet = await replay(client, params.orders, context)

  const { records, ...live } = await replayWhileOrdersArrive(client, {
    ...context,
    atLeast: params.liveOrders,
  })
  const total = params.orders + live.accepted
  const grown = await untilCounted(client, total, { ...context, timeoutMs: 120_000 })
  const again = await replay(client, total, context)

  const log = await countTopics(probe, signal)
  const histories = [bulkRecords(bulk), records]
  const ledger = ledgerCheck('', await ledgerOf(part, { histories, initial, signal }))
  return { before, quiet, live, grown, again, log, ledger }
}

const checksOf = ({ before, quiet, live, grown, again, log, ledger }: Seen): Check[] => [
  same('a replay ends with the same projection', before, quiet.report),
  check('orders arrive while the replay goes on', live.holds, live.detail),
  same('a replay with orders arriving ends as one in quiet does', grown, again.report),
  readsEverything(again, log),
  equalsLog(again.report, log),
  ledger,
]

const tableOf = ({ before, quiet, grown, again, log }: Seen): Table => ({
  title: 'The projection before and after',
  columns: ['when', 'orders', 'reserved', 'failed', 'records read', 'ms', 'projection_hash'],
  rows: [
    ['before', ...figures(before), '', '', short(before)],
    replayed('replayed', quiet),
    ['replayed while orders arrived', ...figures(grown), '', '', short(grown)],
    replayed('replayed again, in quiet', again),
    ['counted from the topics', log.orders, log.reserved, log.failed, log.records, '', ''],
  ],
})

const replayed = (when: string, { report, ms }: Replay) => [
  when,
  ...figures(report),
  report.replay.processed,
  Math.round(ms),
  short(report),
]

/** Clears the analytics, reads both topics from their beginning, and waits until all of it is counted. */
async function replay(
  client: PartClient,
  orders: number,
  context: ExperimentContext<Params>,
): Promise<Replay> {
  const startedAt = performance.now()
  await client.command('third', '/admin/reset-offsets', undefined)
  const report = await untilCounted(client, orders, { ...context, timeoutMs: 120_000 })
  return { report, ms: performance.now() - startedAt }
}

function same(name: string, a: AnalyticsReport, b: AnalyticsReport): Check {
  const of = ({ orders_total, reserved_total, failed_total, projection_hash }: AnalyticsReport) =>
    `${orders_total} orders, ${reserved_total} reserved, ${failed_total} failed, hash ${projection_hash.slice(0, 12)}`
  const holds = a.projection_hash === b.projection_hash && of(a) === of(b)
  return check(name, holds, holds ? of(a) : `${of(a)} ≠ ${of(b)}`)
}

/** Otherwise equal projections would prove nothing: they could be the ones from before. */
function readsEverything({ report }: Replay, { records }: TopicCount): Check {
  const { processed } = report.replay
  return voidingCheck(
    'the replay reads every record',
    processed === records,
    `${processed} read, ${records} in the topics`,
  )
}

function equalsLog({ orders_total, reserved_total, failed_total }: AnalyticsReport, log: TopicCount): Check {
  const holds = orders_total === log.orders && reserved_total === log.reserved && failed_total === log.failed
  const detail = `${orders_total}/${reserved_total}/${failed_total} by analytics, ${log.orders}/${log.reserved}/${log.failed} in the topics (orders/reserved/failed)`
  return voidingCheck('the totals equal an independent count of the topics', holds, detail)
}

const figures = ({ orders_total, reserved_total, failed_total }: AnalyticsReport) => [
  orders_total,
  reserved_total,
  failed_total,
]
const short = ({ projection_hash }: AnalyticsReport) => projection_hash.slice(0, 16)

const CHUNK = 50

interface Options extends Pick<ExperimentContext<unknown>, 'progress' | 'signal'> {
  /** How many orders arrive, even when the replay is faster. */
  atLeast: number
}

/** Resets the analytics while orders keep coming, one chunk after the other, until the replay has caught up. */
async function replayWhileOrdersArrive(client: PartClient, { atLeast, progress, signal }: Options) {
  const attempts: Attempt[] = []
  const placeChunk = async () => {
    const load = await closedLoop(client.place, { count: CHUNK, concurrency: 4, signal })
    attempts.push(...load.attempts)
    progress(`reading the log again; ${attempts.length} more orders have arrived`)
  }

  await placeChunk()
  const resetAt = performance.now()
  let isOver = false
  const replaying = resetAndCatchUp(client, signal).finally(() => {
    isOver = true
  })
  const arriving = (async () => {
    while (!isOver || attempts.length < atLeast) await placeChunk()
  })()
  const [caughtUpAt] = await Promise.all([replaying, arriving])

  const counts = countOutcomes({ attempts, elapsedMs: 0 })
  const during = attempts.map(answeredAt).filter((at) => at > resetAt && at < caughtUpAt).length
  return {
    records: recordsOf({ attempts, elapsedMs: 0 }),
    accepted: counts['202'] ?? 0,
    during,
    holds: during > 0 && allAnswered(counts, [202], attempts.length),
    detail: `${describeOutcomes(counts)}; ${during} of them while the replay went on, ${Math.round(caughtUpAt - resetAt)} ms`,
  }
}

/** Resolves with the moment at which nothing of what the log had at the reset is left to read. */
async function resetAndCatchUp(client: PartClient, signal: AbortSignal): Promise<number> {
  await client.command('third', '/admin/reset-offsets', undefined)
  const caughtUp = async () => !(await readAnalytics(client)).replay.replaying
  await waitFor('the replay to catch up', caughtUp, { timeoutMs: 120_000, everyMs: 10, signal })
  return performance.now()
}

const answeredAt = (attempt: Attempt): number =>
  attempt.kind === 'answered' ? attempt.startedAt + attempt.latencyUs / 1_000 : Number.NaN
