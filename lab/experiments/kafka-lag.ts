import { isTerminal } from '@lab/common/domain/order.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { z } from 'zod'
import { ledgerCheck } from '../parts/ledger.ts'
import { INVENTORY_EVENTS, ORDER_EVENTS } from '../parts/streaming-kafka.ts'
import { type KafkaProbe, openKafkaProbe } from '../probes/kafka.ts'
import { formatNumber, perSecond } from '../report/number.ts'
import { ofEach } from '../trio.ts'
import { type Bench, openBench } from './bench.ts'
import { atSeconds, timeChart } from './curves.ts'
import {
  type Chart,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Series,
  says,
  tableOf,
} from './experiment.ts'
import { countTopics, placeBulk, readAnalytics, untilCounted } from './kafka-counts.ts'

interface Params extends Record<string, unknown> {
  orders: number
  /** Sleep before each message while the backlog is worked off. */
  throttleSeconds: number
  /** Placed while analytics is stopped. */
  ordersWhileStopped: number
}

export const kafkaLag = defineExperiment<Params>({
  name: 'kafka-lag',
  part: 'streaming-kafka',
  question: 'How far behind is a slow consumer, and what does the lag say of one that is not there at all?',
  profiles: {
    quick: { orders: 200, throttleSeconds: 0.002, ordersWhileStopped: 50 },
    default: { orders: 1_000, throttleSeconds: 0.002, ordersWhileStopped: 100 },
    full: { orders: 1_000, throttleSeconds: 0.01, ordersWhileStopped: 100 },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { orders, throttleSeconds, ordersWhileStopped } = context.params
  // Enough for every order: what is reserved is not the question here.
  await using bench = await openBench(context, { stock: ofEach(2 * (orders + ordersWhileStopped)) })
  await using probe = await openKafkaProbe(bench.part.kafka!)
  const meter = openLagMeter(bench, probe)

  const { before, still, ageSeconds } = await lagOfStandstill(bench, meter, orders)
  const unread = (await countTopics(probe, context.signal)).records
  const seconds = await lagWhileDraining(bench, meter, context.params)
  const { stopped, back } = await lagOfStopped(bench, meter, context.params)
  const whileStopped = (await countTopics(probe, context.signal)).records - unread

  const { samples } = meter
  const told = still.reported?.seconds ?? Number.NaN
  const slack = 0.1 + told * 0.02
  const draining = samples.filter(({ phase }) => phase === 'draining').map(({ messages }) => messages)
  return {
    checks: [
      // Offsets also count the markers of transactions, which are no records: the lag is the records and a few of those.
      check(
        'the lag rises by every record, and the service reports what the broker does',
        unread > 0 && still.messages >= unread && still.reported?.messages === still.messages,
        `${still.messages} by the broker, ${still.reported?.messages} by GET /lag: ${unread} records and ${still.messages - unread} transaction markers; group ${still.state}`,
      ),
      check('there is no lag before the first order', before.messages === 0, `${before.messages} messages`),
      check(
        'the lag in seconds is the age of the oldest unread record',
        told >= ageSeconds.atLeast - slack && told <= ageSeconds.atMost + slack,
        `${told.toFixed(2)} s; the oldest unread order is ${ageSeconds.atLeast.toFixed(2)} to ${ageSeconds.atMost.toFixed(2)} s old`,
      ),
      check(
        'under the throttle the lag drains to 0',
        draining.every((lag, i) => i === 0 || lag <= draining[i - 1]!) && draining.at(-1) === 0,
        `${draining[0]} → ${draining.at(-1)} in ${draining.length} readings`,
      ),
      check(
        'a stopped consumer does not show 0',
        whileStopped > 0 && stopped.messages >= whileStopped && stopped.members === 0,
        `${stopped.messages} messages behind with ${whileStopped} records unread; group ${stopped.state}, ${stopped.members} members`,
      ),
      check(
        'the lag is worked off after the restart',
        back.messages === 0 && back.reported?.messages === 0,
        `${back.messages} messages by the broker, ${back.reported?.messages} by the service`,
      ),
      ledgerCheck('', await bench.ledger()),
    ],
    tables: [
      tableOf('Lag of analytics-group on both topics', fewOfEachPhase(samples), [
        ['s', ({ atMs }) => (atMs / 1_000).toFixed(1)],
        ['analytics', ({ phase }) => phase],
        ['messages (broker)', ({ messages }) => messages],
        ['messages (GET /lag)', ({ reported }) => reported?.messages ?? 'not there to ask'],
        ['seconds (GET /lag)', ({ reported }) => reported?.seconds.toFixed(2) ?? ''],
        ['group', ({ state }) => state],
        ['members', ({ members }) => members],
      ]),
      // What a sleep before each message lets through at most, and what came through: timers are not exact.
      tableOf(
        'Service rate under the throttle',
        [unread],
        [
          ['sleep per message ms', () => throttleSeconds * 1_000],
          ['at most, messages/s', () => Math.round(1 / throttleSeconds)],
          ['achieved, messages/s', (messages) => Math.round(messages / seconds)],
          ['messages', (messages) => messages],
          ['seconds', () => seconds.toFixed(1)],
        ],
      ),
    ],
    charts: [lagChart(samples)],
    says: says('streaming-kafka', [
      [
        'a slow or absent service',
        `every order is accepted; the reader lags ${formatNumber(Math.max(...samples.map(({ messages }) => messages)))} messages, drains ${perSecond(unread / seconds)} while throttled`,
      ],
    ]),
    data: {
      samples,
      messages_per_second: unread / seconds,
      records: { standingStill: unread, whileStopped },
    },
  }
}

/** No message gets through: each would have to wait for this long. */
const STANDSTILL_SECONDS = 3_600

const throttle = ({ client }: Bench, seconds: number) =>
  client.command('third', '/admin/throttle', { seconds })

/** Places orders while analytics stands still: nothing moves when the lag is read, so two readings can be compared. */
async function lagOfStandstill(bench: Bench, meter: LagMeter, orders: number) {
  await throttle(bench, STANDSTILL_SECONDS)
  const before = await meter.sample('before')
  const startedAt = performance.now()
  await placeBulk(bench, orders)
  const placedAt = performance.now()
  bench.progress(`${orders} orders placed while analytics stands still`)
  await untilDecided(bench, orders, () => meter.sample('standing still'))
  const readFrom = performance.now()
  const still = await meter.sample('standing still')
  const readUntil = performance.now()
  return {
    before,
    still,
    /** The oldest unread record was written while the bulk request ran, and its age read while the sample was taken. */
    ageSeconds: { atLeast: (readFrom - placedAt) / 1_000, atMost: (readUntil - startedAt) / 1_000 },
  }
}

/** Lets the messages through, one every `throttleSeconds`, until the broker reports no lag. Answers for how many seconds. */
async function lagWhileDraining(bench: Bench, meter: LagMeter, { throttleSeconds, orders }: Params) {
  const { client, progress, signal } = bench
  await throttle(bench, throttleSeconds)
  const startedAt = performance.now()
  let countedAt: number | undefined
  await waitFor(
    'the lag to drain',
    async () => {
      const sample = await meter.sample('draining')
      const report = await readAnalytics(client)
      const counted = report.reserved_total + report.failed_total >= orders && report.orders_total >= orders
      if (counted) countedAt ??= performance.now()
      progress(`draining: ${sample.messages} messages behind, ${sample.reported?.seconds.toFixed(1)} s`)
      return sample.messages === 0 && counted
    },
    // Each order is two records; timers of a busy machine can take several times what was asked for.
    { timeoutMs: 30_000 + orders * 2 * throttleSeconds * 10_000, everyMs: 100, signal },
  )
  await client.clearFaults('third')
  await throttle(bench, 0)
  return ((countedAt ?? performance.now()) - startedAt) / 1_000
}

/** Places orders while there is no consumer, reads the lag from the broker, and starts the consumer again. */
async function lagOfStopped(bench: Bench, meter: LagMeter, { orders, ordersWhileStopped }: Params) {
  const { part, progress, signal } = bench
  const total = orders + ordersWhileStopped
  const sample = () => meter.sample('stopped', { isRunning: false })
  await part.third.stop()
  await sample()
  await placeBulk(bench, ordersWhileStopped)
  await untilDecided(bench, total, sample)
  const stopped = await waitFor(
    'the broker to see that the group has no members',
    async () => {
      const seen = await sample()
      progress(`analytics is stopped: ${seen.messages} messages behind, group ${seen.state}`)
      return seen.members === 0 && seen
    },
    { timeoutMs: 30_000, everyMs: 200, signal },
  )
  await part.third.start()
  await untilCounted(bench, total, 60_000)
  const caughtUp = async () => {
    const seen = await meter.sample('started again')
    return seen.messages === 0 && seen
  }
  const back = await waitFor('the restarted analytics to commit what it has read', caughtUp, {
    everyMs: 100,
    signal,
  })
  return { stopped, back }
}

/** The lag is read on the way: what nobody reads, the chart does not show. */
async function untilDecided({ client, signal }: Bench, orders: number, sample: () => Promise<LagSample>) {
  const areDecided = async () => {
    await sample()
    return (await client.orders()).filter(({ status }) => isTerminal(status)).length >= orders
  }
  await waitFor(`${orders} orders to be decided`, areDecided, { timeoutMs: 60_000, everyMs: 200, signal })
}

const ANALYTICS_GROUP = 'analytics-group'

const LagReport = z.object({ lag_messages: z.number(), lag_seconds: z.number() })

/** The lag of the analytics group at one moment. */
export type LagSample = LagMeter['samples'][number]
type LagMeter = ReturnType<typeof openLagMeter>

function openLagMeter({ client }: Bench, probe: KafkaProbe) {
  const startedAt = performance.now()
  const read = async (phase: string, isRunning: boolean) => {
    const partitions = [
      ...(await probe.lag(ANALYTICS_GROUP, ORDER_EVENTS)),
      ...(await probe.lag(ANALYTICS_GROUP, INVENTORY_EVENTS)),
    ]
    const group = await probe.groupState(ANALYTICS_GROUP)
    const report = isRunning ? LagReport.parse(await client.read('third', '/lag')) : undefined
    return {
      atMs: Math.round(performance.now() - startedAt),
      phase,
      /** As the broker has it: end of the log now minus committed, over both topics. */
      messages: partitions.reduce((sum, { lag }) => sum + lag, 0),
      ...group,
      /** As the service tells it in `GET /lag`; absent while there is no service to ask. */
      ...(report && { reported: { messages: report.lag_messages, seconds: report.lag_seconds } }),
    }
  }
  const samples: Awaited<ReturnType<typeof read>>[] = []
  return {
    samples,
    /** Asks the broker, and the service when it runs. Rejects when either does not answer: no figure is made up. */
    async sample(phase: string, { isRunning = true } = {}) {
      const sample = await read(phase, isRunning)
      samples.push(sample)
      return sample
    },
  }
}

const SHOWN_OF_A_PHASE = 8

const fewOfEachPhase = (samples: LagSample[]): LagSample[] =>
  [...Map.groupBy(samples, ({ phase }) => phase).values()].flatMap((all) => {
    const every = Math.max(1, Math.ceil(all.length / SHOWN_OF_A_PHASE))
    return all.filter((_, at) => at % every === 0 || at === all.length - 1)
  })

/** The lag over time. Where a phase begins is a mark; while there is no service to ask, its own curve has a gap. */
export function lagChart(samples: LagSample[]): Chart {
  const curve = (name: string, n: number, of: (sample: LagSample) => number | null): Series => ({
    name,
    means: 'streaming-kafka',
    n,
    points: samples.map((sample) => [atSeconds(sample.atMs), of(sample)]),
  })
  const reported = samples.filter((sample) => sample.reported).length
  const begins = samples.filter(({ phase }, i) => phase !== samples[i - 1]?.phase)
  return timeChart({
    title: 'Lag of analytics-group on both topics',
    y: { label: 'lag', unit: 'messages' },
    series: [
      curve('as the broker has it', samples.length, ({ messages }) => messages),
      curve('GET /lag', reported, (sample) => sample.reported?.messages ?? null),
    ],
    marks: begins.map(({ atMs, phase }) => ({ x: atSeconds(atMs), label: phase })),
  })
}
