import { isTerminal } from '@lab/common/domain/order.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { z } from 'zod'
import { openPartClient, type PartClient } from '../parts/client.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { bulkRecords, INVENTORY_EVENTS, ORDER_EVENTS } from '../parts/streaming-kafka.ts'
import { type KafkaProbe, openKafkaProbe } from '../probes/kafka.ts'
import { type RunningTrio, stockEnv } from '../trio.ts'
import {
  type Chart,
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Series,
  type Table,
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
  const seen = await observe(context)
  const { samples, rate, records } = seen
  return {
    checks: checksOf(seen),
    tables: [lagTable(samples), rateTable(rate)],
    charts: [lagChart(samples)],
    data: { samples, messages_per_second: rate.messages / rate.seconds, records },
  }
}

type Seen = Awaited<ReturnType<typeof observe>>

async function observe(context: ExperimentContext<Params>) {
  const { params, signal } = context
  // Enough for every order: what is reserved is not the question here.
  const each = 2 * (params.orders + params.ordersWhileStopped)
  const initial = { burger: each, pizza: each, salad: each }
  const part = await context.start({ env: stockEnv(initial) })
  await using client = openPartClient(part, signal)
  await using probe = await openKafkaProbe(part.kafka!)
  const meter = openLagMeter(probe, client)
  const bench: LagBench = { ...context, part, client, meter }

  const standstill = await lagOfStandstill(bench, params.orders)
  const unread = (await countTopics(probe, signal)).records
  const { seconds } = await lagWhileDraining(bench, params)
  const down = await lagOfStopped(bench, { orders: params.ordersWhileStopped, before: params.orders })

  const log = await countTopics(probe, signal)
  const histories = [standstill.bulk, down.bulk].map((bulk) => bulkRecords(bulk))
  return {
    standstill,
    down,
    samples: meter.samples,
    rate: { sleepSeconds: params.throttleSeconds, messages: unread, seconds },
    records: { standingStill: unread, whileStopped: log.records - unread },
    ledger: ledgerCheck('', await ledgerOf(part, { histories, initial, signal })),
  }
}

const checksOf = ({ standstill, down, samples, records, ledger }: Seen): Check[] => [
  rises(standstill, records.standingStill),
  check(
    'there is no lag before the first order',
    standstill.before.messages === 0,
    `${standstill.before.messages} messages`,
  ),
  secondsAreRight(standstill),
  falls(samples.filter(({ phase }) => phase === 'draining')),
  stoppedIsBehind(down.stopped, records.whileStopped),
  check(
    'the lag is worked off after the restart',
    down.back.messages === 0 && down.back.reported?.messages === 0,
    `${down.back.messages} messages by the broker, ${down.back.reported?.messages} by the service`,
  ),
  ledger,
]

/** Offsets also count the markers of transactions, which are no records: the lag is the records and a few of those. */
function rises({ still }: { still: LagSample }, records: number): Check {
  const holds = records > 0 && still.messages >= records && still.reported?.messages === still.messages
  const detail = `${still.messages} by the broker, ${still.reported?.messages} by GET /lag: ${records} records and ${still.messages - records} transaction markers; group ${still.state}`
  return check('the lag rises by every record, and the service reports what the broker does', holds, detail)
}

function secondsAreRight({ still, ageSeconds }: Awaited<ReturnType<typeof lagOfStandstill>>): Check {
  const seconds = still.reported?.seconds ?? Number.NaN
  const slack = 0.1 + seconds * 0.02
  const holds = seconds >= ageSeconds.atLeast - slack && seconds <= ageSeconds.atMost + slack
  const detail = `${seconds.toFixed(2)} s; the oldest unread order is ${ageSeconds.atLeast.toFixed(2)} to ${ageSeconds.atMost.toFixed(2)} s old`
  return check('the lag in seconds is the age of the oldest unread record', holds, detail)
}

function falls(samples: LagSample[]): Check {
  const messages = samples.map((sample) => sample.messages)
  const neverRises = messages.every((lag, i) => i === 0 || lag <= messages[i - 1]!)
  const detail = `${messages[0]} → ${messages.at(-1)} in ${samples.length} readings`
  return check('under the throttle the lag drains to 0', neverRises && messages.at(-1) === 0, detail)
}

function stoppedIsBehind(stopped: LagSample, records: number): Check {
  const holds = records > 0 && stopped.messages >= records && stopped.members === 0
  const detail = `${stopped.messages} messages behind with ${records} records unread; group ${stopped.state}, ${stopped.members} members`
  return check('a stopped consumer does not show 0', holds, detail)
}

interface LagBench extends Pick<ExperimentContext<unknown>, 'progress' | 'signal'> {
  part: RunningTrio
  client: PartClient
  meter: LagMeter
}

/** No message gets through: each would have to wait for this long. */
const STANDSTILL_SECONDS = 3_600

/** Places orders while analytics stands still: nothing moves when the lag is read, so two readings can be compared. */
async function lagOfStandstill({ client, meter, progress, signal }: LagBench, orders: number) {
  await client.command('third', '/admin/throttle', { seconds: STANDSTILL_SECONDS })
  const before = await meter.sample('before')
  const startedAt = performance.now()
  const bulk = await placeBulk(client, orders)
  const placedAt = performance.now()
  progress(`${orders} orders placed while analytics stands still`)
  await untilDecided(client, orders, signal, () => meter.sample('standing still'))
  const readFrom = performance.now()
  const still = await meter.sample('standing still')
  const readUntil = performance.now()
  return {
    bulk,
    before,
    still,
    /** The oldest unread record was written while the bulk request ran, and its age read while the sample was taken. */
    ageSeconds: { atLeast: (readFrom - placedAt) / 1_000, atMost: (readUntil - startedAt) / 1_000 },
  }
}

/** Lets the messages through, one every `throttleSeconds`, until the broker reports no lag. */
async function lagWhileDraining(
  bench: LagBench,
  { throttleSeconds, orders }: { throttleSeconds: number; orders: number },
) {
  const { client, meter, progress, signal } = bench
  await client.command('third', '/admin/throttle', { seconds: throttleSeconds })
  const startedAt = performance.now()
  let countedAt: number | undefined
  const drained = await waitFor(
    'the lag to drain',
    async () => {
      const sample = await meter.sample('draining')
      const report = await readAnalytics(client)
      const counted = report.reserved_total + report.failed_total >= orders && report.orders_total >= orders
      if (counted) countedAt ??= performance.now()
      progress(`draining: ${sample.messages} messages behind, ${sample.reported?.seconds.toFixed(1)} s`)
      return sample.messages === 0 && counted && sample
    },
    // Each order is two records; timers of a busy machine can take several times what was asked for.
    { timeoutMs: 30_000 + orders * 2 * throttleSeconds * 10_000, everyMs: 100, signal },
  )
  await client.clearFaults('third')
  await client.command('third', '/admin/throttle', { seconds: 0 })
  return { drained, seconds: ((countedAt ?? performance.now()) - startedAt) / 1_000 }
}

/** Places orders while there is no consumer, reads the lag from the broker, and starts the consumer again. */
async function lagOfStopped(bench: LagBench, { orders, before }: { orders: number; before: number }) {
  const { part, client, meter, progress, signal } = bench
  await part.third.stop()
  await meter.sample('stopped', { isRunning: false })
  const bulk = await placeBulk(client, orders)
  await untilDecided(client, before + orders, signal, () => meter.sample('stopped', { isRunning: false }))
  const stopped: LagSample = await waitFor(
    'the broker to see that the group has no members',
    async () => {
      const sample = await meter.sample('stopped', { isRunning: false })
      progress(`analytics is stopped: ${sample.messages} messages behind, group ${sample.state}`)
      return sample.members === 0 && sample
    },
    { timeoutMs: 30_000, everyMs: 200, signal },
  )
  await part.third.start()
  await untilCounted(client, before + orders, { progress, signal, timeoutMs: 60_000 })
  const back = await waitFor(
    'the restarted analytics to commit what it has read',
    async () => {
      const sample = await meter.sample('started again')
      return sample.messages === 0 && sample
    },
    { timeoutMs: 15_000, everyMs: 100, signal },
  )
  return { bulk, stopped, back }
}

/** The lag is read on the way: what nobody reads, the chart does not show. */
async function untilDecided(
  client: PartClient,
  orders: number,
  signal: AbortSignal,
  sample: () => Promise<LagSample>,
): Promise<void> {
  await waitFor(
    `${orders} orders to be decided`,
    async () => {
      await sample()
      return (await client.orders()).filter(({ status }) => isTerminal(status)).length >= orders
    },
    { timeoutMs: 60_000, everyMs: 200, signal },
  )
}

const ANALYTICS_GROUP = 'analytics-group'

/** The lag of the analytics group at one moment. */
export interface LagSample {
  atMs: number
  phase: string
  /** As the broker has it: end of the log now minus committed, over both topics. */
  messages: number
  state: string
  members: number
  /** As the service tells it in `GET /lag`; absent while there is no service to ask. */
  reported?: { messages: number; seconds: number }
}

const LagReport = z.object({ lag_messages: z.number(), lag_seconds: z.number() })

interface LagMeter {
  samples: LagSample[]
  /** Asks the broker, and the service when it runs. Rejects when either does not answer: no figure is made up. */
  sample: (phase: string, options?: { isRunning?: boolean }) => Promise<LagSample>
}

function openLagMeter(probe: KafkaProbe, client: PartClient): LagMeter {
  const startedAt = performance.now()
  const samples: LagSample[] = []
  return {
    samples,
    sample: async (phase, { isRunning = true } = {}) => {
      const messages = await brokerLag(probe)
      const { state, members } = await probe.groupState(ANALYTICS_GROUP)
      const report = isRunning ? LagReport.parse(await client.read('third', '/lag')) : undefined
      const sample: LagSample = {
        atMs: Math.round(performance.now() - startedAt),
        phase,
        messages,
        state,
        members,
        ...(report && { reported: { messages: report.lag_messages, seconds: report.lag_seconds } }),
      }
      samples.push(sample)
      return sample
    },
  }
}

async function brokerLag(probe: KafkaProbe): Promise<number> {
  const partitions = [
    ...(await probe.lag(ANALYTICS_GROUP, ORDER_EVENTS)),
    ...(await probe.lag(ANALYTICS_GROUP, INVENTORY_EVENTS)),
  ]
  return partitions.reduce((sum, { lag }) => sum + lag, 0)
}

/** What a sleep before each message lets through at most, and what came through: timers are not exact. */
const rateTable = ({
  sleepSeconds,
  messages,
  seconds,
}: {
  sleepSeconds: number
  messages: number
  seconds: number
}): Table => ({
  title: 'Service rate under the throttle',
  columns: ['sleep per message ms', 'at most, messages/s', 'achieved, messages/s', 'messages', 'seconds'],
  rows: [
    [
      sleepSeconds * 1_000,
      Math.round(1 / sleepSeconds),
      Math.round(messages / seconds),
      messages,
      seconds.toFixed(1),
    ],
  ],
})

const SHOWN_OF_A_PHASE = 8

/** All samples, but of the many of a phase a few. */
function lagTable(samples: LagSample[]): Table {
  const phases = Map.groupBy(samples, ({ phase }) => phase)
  const isShown = (sample: LagSample) => {
    const all = phases.get(sample.phase)!
    const every = Math.max(1, Math.ceil(all.length / SHOWN_OF_A_PHASE))
    const at = all.indexOf(sample)
    return at % every === 0 || at === all.length - 1
  }
  return {
    title: 'Lag of analytics-group on both topics',
    columns: [
      's',
      'analytics',
      'messages (broker)',
      'messages (GET /lag)',
      'seconds (GET /lag)',
      'group',
      'members',
    ],
    rows: samples
      .filter(isShown)
      .map(({ atMs, phase, messages, reported, state, members }) => [
        (atMs / 1_000).toFixed(1),
        phase,
        messages,
        reported?.messages ?? 'not there to ask',
        reported?.seconds.toFixed(2) ?? '',
        state,
        members,
      ]),
  }
}

/** Between two samples that are further apart the lag is not known: a service was starting, or many orders were sent. */
const KNOWN_FOR_MS = 2_000

/** The lag over time. Where a phase begins is a mark; while there is no service to ask, its own curve has a gap. */
export function lagChart(samples: LagSample[]): Chart {
  const at = ({ atMs }: LagSample) => atMs / 1_000
  const curve = (of: (sample: LagSample) => number | null) =>
    samples.flatMap((sample, i): Series['points'] => {
      const before = samples[i - 1]
      const isFar = before && sample.atMs - before.atMs > KNOWN_FOR_MS
      return [
        ...(isFar ? [[(at(before) + at(sample)) / 2, null] as [number, null]] : []),
        [at(sample), of(sample)],
      ]
    })
  const begins = samples.filter(({ phase }, i) => phase !== samples[i - 1]?.phase)
  return {
    title: 'Lag of analytics-group on both topics',
    x: { label: 'time', unit: 's', scale: 'linear' },
    y: { label: 'lag', unit: 'messages', scale: 'linear' },
    series: [
      {
        name: 'as the broker has it',
        means: 'streaming-kafka',
        n: samples.length,
        points: curve(({ messages }) => messages),
      },
      {
        name: 'GET /lag',
        means: 'streaming-kafka',
        n: samples.filter(({ reported }) => reported).length,
        points: curve(({ reported }) => reported?.messages ?? null),
      },
    ],
    marks: begins.map((sample) => ({ x: at(sample), label: sample.phase })),
  }
}
