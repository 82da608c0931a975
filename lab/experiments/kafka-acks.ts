import { waitFor } from '@lab/kit/wait.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { answered, closedLoop, type LoadResult, orderIds, recordsOf } from '../load/closed-loop.ts'
import { milliseconds, summarize } from '../load/histogram.ts'
import { guaranteeCard } from '../part.ts'
import { openPartClient, type PartClient } from '../parts/client.ts'
import { watchPart } from '../parts/index.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { bulkRecords, kafkaCard, ORDER_EVENTS } from '../parts/streaming-kafka.ts'
import { type KafkaProbe, openKafkaProbe } from '../probes/kafka.ts'
import { counted } from '../report/number.ts'
import { type RunningTrio, stockEnv } from '../trio.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
  voidingCheck,
} from './experiment.ts'
import { countTopics, placeBulk } from './kafka-counts.ts'
import { warmUp } from './offered-load.ts'
import { remarkOn, repeated, rotated, spread } from './repeated.ts'

interface Params extends Record<string, unknown> {
  /** Orders placed one after the other: what one customer waits. */
  singles: number
  /** Orders of one bulk. */
  bulk: number
  warmUpOrders: number
  repetitions: number
}

export const kafkaAcks = defineExperiment<Params>({
  name: 'kafka-acks',
  part: 'streaming-kafka',
  question: 'What does it cost to wait for the log to acknowledge an order, and what does it save?',
  profiles: {
    quick: { singles: 30, bulk: 1_000, warmUpOrders: 30, repetitions: 1 },
    default: { singles: 200, bulk: 10_000, warmUpOrders: 100, repetitions: 3 },
    // The order service is started again for each setting, and reads the whole log each time.
    full: { singles: 1_000, bulk: 20_000, warmUpOrders: 500, repetitions: 5 },
  },
  run,
})

interface Measured {
  acks: Acks
  load: LoadResult
  bulk: { accepted: number; unknown: number; seconds: number }
  records: HistoryRecord[]
}

type Seen = Awaited<ReturnType<typeof observe>>

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const seen = await observe(context)
  const settings = ACKS.map((acks) => settingOf(acks, seen.measured))
  return {
    checks: checksOf(seen),
    tables: [
      guaranteeCard(ACKS.map((acks) => ({ name: `acks=${acks}`, guarantees: kafkaCard(seen.layout, acks) }))),
      costTable(settings, context.params),
      trialTable(seen.trials),
    ],
    reading: readingOf(settings, seen),
    data: {
      ...Object.fromEntries(
        settings.map(({ acks, p50Us, perSecond }) => [
          `acks_${acks}`,
          { acceptance_p50_us: p50Us, bulk_orders_per_second: perSecond },
        ]),
      ),
      trials: seen.trials,
    },
  }
}

async function observe(context: ExperimentContext<Params>) {
  const { params, signal, progress } = context
  // Bulk orders take 1 to 5 of the items in turn.
  const orders = (params.singles + params.warmUpOrders + params.bulk) * params.repetitions * ACKS.length
  const initial = { burger: 2 * orders, pizza: 2 * orders, salad: 2 * orders }
  const part = await context.start({ env: stockEnv(initial) })
  await using client = openPartClient(part, signal)
  await using probe = await openKafkaProbe(part.kafka!)
  await using watch = await watchPart({ part, client, signal })
  const measured: Measured[] = []
  let placed = 0
  for (let repetition = 0; repetition < params.repetitions; repetition++) {
    for (const acks of rotated(ACKS, repetition)) {
      await produceWith(part, acks)
      measured.push(await measure(client, context, acks))
      placed += params.warmUpOrders
      await watch.settled(120_000)
    }
  }
  progress('comparing what was acknowledged with the log')
  const acknowledged =
    placed + measured.reduce((sum, { load, bulk }) => sum + orderIds(load).length + bulk.accepted, 0)
  const log = await countTopics(probe, signal)
  const histories = measured.map(({ records }) => records)
  const ledger = ledgerCheck('', await ledgerOf(part, { histories, initial, signal }))

  // From here on orders are lost on purpose: after the ledger.
  const trials: Trial[] = []
  for (const acks of ACKS) {
    progress(`acks=${acks}: placing an order that the log refuses`)
    await produceWith(part, acks)
    trials.push(await refusedOrder({ client, probe, acks, signal }))
  }
  return { params, measured, acknowledged, log, ledger, trials, layout: await probe.layout(ORDER_EVENTS) }
}

async function produceWith({ order }: RunningTrio, acks: Acks): Promise<void> {
  await order.stop()
  await order.start({ env: { PRODUCER_ACKS: acks } })
}

async function measure(
  client: PartClient,
  { params, signal, progress }: ExperimentContext<Params>,
  acks: Acks,
): Promise<Measured> {
  const what = `acks=${acks}`
  const warm = await warmUp(client, { count: params.warmUpOrders, what, signal, progress })
  const load = await closedLoop(client.place, {
    count: params.singles,
    concurrency: 1,
    signal,
    onAnswer: (done) => progress(`${what}: ${done} of ${params.singles} orders, one after the other`),
  })
  progress(`${what}: ${params.bulk} orders in bulk`)
  const bulk = await placeBulk(client, params.bulk)
  return { acks, load, bulk, records: [...warm, ...recordsOf(load), ...bulkRecords(bulk)] }
}

function checksOf({ params, measured, acknowledged, log, ledger, trials }: Seen): Check[] {
  const accepted = measured.every(
    ({ load, bulk }) => orderIds(load).length === params.singles && bulk.accepted === params.bulk,
  )
  return [
    check('every order is accepted while the broker is well', accepted, `${acknowledged} acknowledged`),
    voidingCheck(
      'the log has every acknowledged order while the broker is well: none is lost',
      log.orders === acknowledged,
      `${acknowledged} acknowledged, ${log.orders} in the log`,
    ),
    ledger,
    ...trials.map(toldAs),
  ]
}

/** Who asks nobody for an acknowledgement cannot hear of a refusal. */
function toldAs(trial: Trial): Check {
  const wanted = trial.acks === '0' ? 'acknowledged and lost' : 'refused'
  return check(
    `acks=${trial.acks}: ${trial.acks === '0' ? 'nobody hears' : 'the customer hears'} that the log refuses an order`,
    fateOf(trial) === wanted,
    `answered ${trial.status}, ${trial.isInLog ? 'in' : 'not in'} the log: ${fateOf(trial)}`,
  )
}

const ACKS = ['0', '1', 'all'] as const
type Acks = (typeof ACKS)[number]

/** What a customer heard of an order that the log refused, and whether the log has it. */
interface Trial {
  acks: Acks
  /** HTTP status; 0 when there was no answer. */
  status: number
  isInLog: boolean
}

interface TrialBench extends Pick<ExperimentContext<unknown>, 'signal'> {
  client: PartClient
  probe: KafkaProbe
  acks: Acks
}

/** The log never expires; a topic's configuration is set as a whole. */
const AS_CREATED = { 'retention.ms': '-1' }

/** Places one order while the log takes no record of its size: a real refusal by a real broker. */
async function refusedOrder({ client, probe, acks, signal }: TrialBench): Promise<Trial> {
  await probe.configure(ORDER_EVENTS, { ...AS_CREATED, 'max.message.bytes': '100' })
  const load = await closedLoop(client.place, { count: 1, concurrency: 1, signal }).finally(() =>
    probe.configure(ORDER_EVENTS, AS_CREATED),
  )
  await untilTaken({ client, probe, signal })
  const records = await probe.readAll(ORDER_EVENTS, { signal, timeoutMs: 60_000 })
  const [order_id] = orderIds(load)
  return {
    acks,
    status: answered(load)[0]?.status ?? 0,
    isInLog: records.some(({ key }) => key === order_id),
  }
}

/** Until the log takes orders again: a record that was written before is in front of this one, or nowhere. */
async function untilTaken({ client, probe, signal }: Omit<TrialBench, 'acks'>): Promise<void> {
  await waitFor(
    'the log to take an order again',
    async () => {
      const load = await closedLoop(client.place, { count: 1, concurrency: 1, signal })
      const [order_id] = orderIds(load)
      const records = await probe.readAll(ORDER_EVENTS, { signal, timeoutMs: 30_000 })
      return order_id !== undefined && records.some(({ key }) => key === order_id)
    },
    { timeoutMs: 60_000, everyMs: 200, signal },
  )
}

function settingOf(acks: Acks, measured: Measured[]) {
  const own = measured.filter((one) => one.acks === acks)
  const p50s = own.map(({ load }) => summarize(answered(load).map(({ latencyUs }) => latencyUs)).p50_us)
  const perSecond = repeated(own.map(({ bulk }) => bulk.accepted / bulk.seconds))!
  return { acks, n: own.length, p50Us: repeated(p50s), perSecond }
}
type Setting = ReturnType<typeof settingOf>

const costTable = (settings: Setting[], { singles, bulk, repetitions }: Params): Table => ({
  title: `Cost of the acknowledgement, ${repetitions === 1 ? 'one run each' : `median of ${repetitions} runs (range)`}`,
  columns: ['acks', `POST /order p50 ms (${singles} one by one)`, `bulk of ${bulk}, orders/s`],
  rows: settings.map(({ acks, p50Us, perSecond }) => [
    acks,
    spread(p50Us, milliseconds),
    spread(perSecond, (value) => String(Math.round(value))),
  ]),
})

const trialTable = (trials: Trial[]): Table => ({
  title: 'An order that the log refuses',
  columns: ['acks', 'customer hears', 'in the log', 'so the order is'],
  rows: trials.map((trial) => [trial.acks, trial.status, trial.isInLog ? 'yes' : 'no', fateOf(trial)]),
})

function fateOf({ status, isInLog }: Trial): string {
  if (status === 202) return isInLog ? 'kept' : 'acknowledged and lost'
  return isInLog ? 'refused and kept' : 'refused'
}

function readingOf(
  settings: Setting[],
  { trials, layout }: { trials: Trial[]; layout: { replicas: number } },
): string[] {
  const all = settings.find(({ acks }) => acks === 'all')!
  const costs = settings
    .filter(({ acks }) => acks !== 'all')
    .map(({ acks, perSecond }) => {
      return `acks=${acks} makes the bulk ${(perSecond.median / all.perSecond.median).toFixed(2)} times as fast as acks=all (${remarkOn(perSecond, all.perSecond)})`
    })
  const lost = trials.filter((trial) => fateOf(trial) === 'acknowledged and lost')
  const same = layout.replicas === 1 ? ': acks=1 and acks=all wait for the same copy' : ''
  return [
    `The log has ${counted(layout.replicas, 'replica')}${same}. ${costs.join('; ')}.`,
    lost.length === 0
      ? `None of ${trials.length} orders that the log refused was acknowledged and lost.`
      : `Of ${trials.length} orders that the log refused, acknowledged and lost: ${lost.map(({ acks }) => `the one with acks=${acks}`).join(', ')}.`,
  ]
}
