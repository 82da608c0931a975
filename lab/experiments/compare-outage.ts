import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal, type OrderStatus } from '@lab/common/domain/order.ts'
import {
  type Answers,
  answersOf,
  describeStatuses,
  type HistoryRecord,
  openHistoryFile,
} from '../ledger/history.ts'
import { isReserved } from '../ledger/observed.ts'
import { closedLoop, orderIds, recordsOf } from '../load/closed-loop.ts'
import { milliseconds } from '../load/histogram.ts'
import type { OrderStreamClient } from '../load/order-stream.ts'
import type { OpenLoopResult } from '../load/result.ts'
import { mostOrders, type Rate } from '../load/schedule.ts'
import { guaranteeCard, type PartWatch, type Running } from '../part.ts'
import { openPartClient } from '../parts/client.ts'
import { drivers, STYLE, watchPart } from '../parts/index.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { stockEnv, stockFor, TRIOS, type TrioName } from '../trio.ts'
import { atSeconds, everyStretch, timeChart } from './curves.ts'
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
import { doubtsAboutLoad, type LoadClock, offerWhile, warmUp } from './offered-load.ts'

interface Params extends Record<string, unknown> {
  /** Orders per second, all the time. */
  rate: number
  beforeSeconds: number
  /** From the SIGKILL of the inventory process to its restart. */
  outageSeconds: number
  afterSeconds: number
}

export const compareOutage = defineExperiment<Params>({
  name: 'compare-outage',
  part: 'all',
  question:
    'Inventory crashes under steady load and comes back: what do clients hear, what waits, what is lost?',
  profiles: {
    quick: { rate: 20, beforeSeconds: 1, outageSeconds: 2, afterSeconds: 2 },
    default: { rate: 50, beforeSeconds: 2, outageSeconds: 8, afterSeconds: 4 },
    full: { rate: 50, beforeSeconds: 5, outageSeconds: 60, afterSeconds: 15 },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const outages: (PartOutage & { figures: OutageFigures })[] = []
  for (const name of TRIOS) {
    const outage = await outageOf(context, name)
    outages.push({ ...outage, figures: figuresOf(outage) })
  }
  return {
    checks: outages.flatMap(checksOf),
    tables: [
      guaranteeCard(outages.map(({ part, guarantees }) => ({ name: STYLE[part], guarantees }))),
      ...tablesOf(outages),
    ],
    charts: chartsOf(outages),
    reading: readingOf(outages),
    invalid: outages.flatMap(({ part, load }) => doubtsAboutLoad(STYLE[part], load.result)),
    data: Object.fromEntries(outages.map(({ part, figures }) => [part, figures])),
  }
}

function checksOf(seen: Seen): Check[] {
  const { part, figures, ledger, moments } = seen
  const style = STYLE[part]
  const { during, recovery_ms } = figures
  const back = check(
    `${style}: an order placed after the restart is done`,
    recovery_ms > 0,
    `the first one ${Math.round(recovery_ms)} ms after the restart`,
  )
  const heard = `${during.sent} orders placed meanwhile: ${describeAnswers(during)}`
  const clients =
    drivers[part].completes === 'response'
      ? check(
          `${style}: no order is accepted while inventory is away`,
          during.sent > 0 && during.ok === 0,
          heard,
        )
      : check(
          `${style}: every order is accepted while inventory is away`,
          during.sent > 0 && during.ok === during.sent,
          heard,
        )
  return [
    clients,
    ...(drivers[part].completes === 'response' ? [] : [piledUp()]),
    back,
    ledgerCheck(` (${style}): nothing is lost`, ledger),
  ]

  function piledUp(): Check {
    // What was accepted a moment ago may be on its way into the queue.
    const holds = moments.waitingAtRestart >= during.ok * 0.8
    const detail = `${moments.waitingAtRestart} right before the restart (${seen.counts}), ${during.ok} orders accepted since the crash`
    return check(`${style}: what is accepted waits`, holds, detail)
  }
}

/** One order with what became of it. Times are milliseconds since the load began. */
export interface Traced extends Pick<HistoryRecord, 'outcome' | 'status'> {
  sentMs: number
  /** When it was seen in its terminal status, and which that was. */
  doneMs?: number
  ended?: OrderStatus
}

interface Moments {
  killedMs: number
  /** When the process was started again, and when it said that it is ready. */
  restartedMs: number
  readyMs: number
  /** Waiting orders right before the restart. */
  waitingAtRestart: number
  /** When an order was done that was placed as soon as inventory was ready: the load may have ended before. */
  readyOrderDoneMs: number
  records: HistoryRecord[]
}

type PartOutage = Awaited<ReturnType<typeof outageOf>>

const WARM_UP = 50
const SAMPLE_MS = 200

/** Loads a durable copy of one part, kills its inventory under way, starts it again, and follows every order to its end. */
async function outageOf(context: ExperimentContext<Params>, name: TrioName) {
  const { params, signal } = context
  const { rate, beforeSeconds, outageSeconds, afterSeconds } = params
  const plan: Rate = { perSecond: rate, seconds: beforeSeconds + outageSeconds + afterSeconds }
  const initial = stockFor(WARM_UP + mostOrders([plan]))
  const part = await context.startPart(name, { durable: true, env: stockEnv(initial) })
  try {
    await using client = openPartClient(part, signal)
    await using watch = await watchPart({ part, client, signal })
    const warm = await warmUp(client, { ...context, count: WARM_UP, what: STYLE[name] })
    const stream = await client.stream()
    const seen = await whileLoaded({ ...context, part, client, watch, stream }, plan)
    const histories = [warm, seen.load.history, seen.moments.records]
    const ledger = await ledgerOf(part, { histories, initial, settleMs: 60_000, signal })
    const orders = await trace(seen.load.history, stream, seen.zero)
    const guarantees = await watch.card()
    return { part: name, ...seen, orders, ledger, guarantees, counts: watch.counts }
  } finally {
    await part.close()
  }
}

interface Bench extends ExperimentContext<Params>, Omit<Running, 'signal'> {
  part: Running['part']
  watch: PartWatch
  stream: OrderStreamClient
}

/** The fault and the samples of the backlog go on beside the load. */
async function whileLoaded(bench: Bench, rate: Rate) {
  const what = STYLE[bench.part.part]
  const { load, result, zero } = await offerWhile(bench, bench.part, {
    what,
    rate,
    keyPrefix: `outage-${what}`,
    drainMs: 60_000,
    beside: (clock) =>
      Promise.all([
        killAndRestart({ ...bench, signal: clock.signal }, clock),
        sampleWaiting(bench.watch, clock),
      ]),
  })
  const [moments, samples] = result
  return { load, moments, samples, zero }
}

async function killAndRestart(bench: Bench, { now }: LoadClock): Promise<Moments> {
  const { part, watch, params, signal } = bench
  // The length of the outage is a parameter: here the time itself is what is asked for.
  const until = (ms: number) => sleep(Math.max(0, ms - now()), undefined, { signal })
  await until(params.beforeSeconds * 1_000)
  await part.inventory.kill()
  const killedMs = now()
  await until(killedMs + params.outageSeconds * 1_000)
  const waitingAtRestart = await watch.waiting()
  const restartedMs = now()
  await part.inventory.start()
  const readyMs = now()
  const records = await orderThatIsDone(bench)
  return { killedMs, restartedMs, readyMs, waitingAtRestart, readyOrderDoneMs: now(), records }
}

/** One order, placed and awaited to its end. */
async function orderThatIsDone({ client, stream, signal }: Bench): Promise<HistoryRecord[]> {
  const load = await closedLoop(client.place, { count: 1, concurrency: 1, signal })
  await stream.completed(orderIds(load), { passes: isReserved, what: 'reserved', timeoutMs: 60_000 })
  return recordsOf(load)
}

async function sampleWaiting(watch: PartWatch, { now, over }: LoadClock) {
  const samples: { atMs: number; waiting: number }[] = []
  while (!over.aborted) {
    samples.push({ waiting: await watch.waiting(), atMs: now() })
    await sleep(SAMPLE_MS, undefined, { signal: over }).catch(() => {
      // The load is over, and so are the samples.
    })
  }
  return samples
}

async function trace(history: string, stream: OrderStreamClient, zero: number): Promise<Traced[]> {
  const orders: Traced[] = []
  for await (const { order_id, outcome, status, sent_ms = 0 } of openHistoryFile(history).records) {
    const end = stream.seen(order_id ?? '').find((sight) => isTerminal(sight.status))
    orders.push({
      outcome,
      ...(status !== undefined && { status }),
      sentMs: sent_ms,
      ...(end && { doneMs: end.seenAt - zero, ended: end.status }),
    })
  }
  return orders.sort((a, b) => a.sentMs - b.sentMs)
}

/** The figures of one part's outage; `null` where something did not happen. */
interface OutageFigures {
  before: Answers
  /** Orders sent between the crash and the restart. */
  during: Answers
  after: Answers
  /** From the restart of the process until it said it is ready. */
  ready_ms: number
  /** From the restart to the first completion of an order that was sent after it. */
  recovery_ms: number
  /** From the restart until the last order that was sent before it had come to its end. */
  backlog_gone_ms: number | null
  backlog_peak: number
  reserved: number
  failed: number
}

export function figuresOf({
  orders,
  moments,
  samples,
}: Pick<PartOutage, 'orders' | 'moments' | 'samples'>): OutageFigures {
  const { killedMs, restartedMs, readyMs, readyOrderDoneMs } = moments
  const between = (from: number, to: number) => orders.filter(({ sentMs }) => sentMs >= from && sentMs < to)
  const later = between(restartedMs, Infinity).filter(({ ended }) => isReserved(ended))
  const earlier = between(0, restartedMs)
  const lastOf = (traced: Traced[]) => Math.max(...traced.map(({ doneMs = 0 }) => doneMs))
  return {
    before: answersOf(between(0, killedMs)),
    during: answersOf(between(killedMs, restartedMs)),
    after: answersOf(between(restartedMs, Infinity)),
    ready_ms: readyMs - restartedMs,
    recovery_ms: Math.min(readyOrderDoneMs, ...later.map(({ doneMs = Infinity }) => doneMs)) - restartedMs,
    backlog_gone_ms: earlier.length === 0 ? null : Math.max(0, lastOf(earlier) - restartedMs),
    backlog_peak: Math.max(moments.waitingAtRestart, ...samples.map(({ waiting }) => waiting)),
    reserved: orders.filter(({ ended }) => isReserved(ended)).length,
    failed: orders.filter(({ ended }) => ended === 'failed').length,
  }
}

export const describeAnswers = ({ statuses }: Answers): string => describeStatuses(statuses, 'none')

type Seen = PartOutage & { figures: OutageFigures }
type Answered = Pick<OpenLoopResult, 'counts' | 'interval_ms' | 'intervals' | 'rate'>

const ms = (value: number | null) => (value === null ? 'n/a' : milliseconds(value * 1_000))

const tablesOf = (outages: Seen[]): Table[] => [answerTable(outages), returnTable(outages)]

const answerTable = (outages: Seen[]): Table => ({
  title: 'What clients hear: answers by the moment the order was sent',
  columns: ['style', 'before the crash', 'while inventory is away', 'after the restart', 'without an answer'],
  rows: outages.map(({ part, figures: { before, during, after } }) => [
    STYLE[part],
    describeAnswers(before),
    describeAnswers(during),
    describeAnswers(after),
    before.unknown + during.unknown + after.unknown,
  ]),
})

const returnTable = (outages: Seen[]): Table => ({
  title: 'Coming back: milliseconds from the restart of the process, and what became of the orders',
  columns: [
    'style',
    'most waiting',
    'counted as',
    'ready ms',
    'first new order done ms',
    'older orders all ended ms',
    'reserved',
    'failed',
    'ledger',
  ],
  rows: outages.map(({ part, counts, figures, ledger }) => [
    STYLE[part],
    figures.backlog_peak,
    counts,
    ms(figures.ready_ms),
    ms(figures.recovery_ms),
    ms(figures.backlog_gone_ms),
    figures.reserved,
    figures.failed,
    ledger.verdict,
  ]),
})

const chartsOf = (outages: Seen[]): Chart[] => [
  timeChart({
    title: 'Backlog over time',
    y: { label: 'waiting for inventory', unit: 'orders' },
    series: outages.map(({ part, samples, counts }) => ({
      name: `${STYLE[part]}: ${counts}`,
      means: part,
      n: samples.length,
      points: samples.map(({ atMs, waiting }): [number, number] => [atSeconds(atMs), waiting]),
    })),
    marks: faultsOf(outages[0]!),
  }),
  timeChart({
    title: 'Latency over time: the slowest reserved order of each quarter second, by the time it was sent',
    y: { label: 'from sending to reserved', unit: 'ms', scale: 'log' },
    series: outages.map(({ part, orders }) => ({
      name: STYLE[part],
      means: part,
      n: orders.filter(({ ended }) => isReserved(ended)).length,
      points: slowest(orders),
    })),
    marks: faultsOf(outages[0]!),
  }),
  ...outages.map((outage) =>
    timeChart({
      title: `What clients hear from ${STYLE[outage.part]}`,
      y: { label: 'answers', unit: 'orders/s' },
      series: answersOverTime(outage),
      marks: marksOf(outage),
    }),
  ),
]

const faultsOf = ({ moments }: Seen): NonNullable<Chart['marks']> => [
  { x: atSeconds(moments.killedMs), label: 'inventory killed' },
  { x: atSeconds(moments.restartedMs), label: 'started again' },
]

const marksOf = (seen: Seen): Chart['marks'] => [
  ...faultsOf(seen),
  { x: atSeconds(seen.moments.restartedMs + seen.figures.recovery_ms), label: 'first new order done' },
]

const BUCKET_MS = 250

/** A stretch of which no order was reserved is a gap: there is no latency to show. */
export function slowest(orders: Traced[]): Series['points'] {
  const buckets = Map.groupBy(
    orders.filter(({ ended }) => isReserved(ended)),
    ({ sentMs }) => Math.floor(sentMs / BUCKET_MS),
  )
  return everyStretch(buckets).map(([bucket, group]) => [
    atSeconds(bucket * BUCKET_MS),
    group ? Math.max(...group.map(({ doneMs = 0, sentMs }) => Math.max(0.01, doneMs - sentMs))) : null,
  ])
}

/** What became of the orders of each whole interval; the last one ends with the load, and may be cut short by it. */
export function answersOverTime({ load: { result } }: { load: { result: Answered } }): Series[] {
  const perSecond = 1_000 / result.interval_ms
  const whole = result.intervals.filter(
    ({ at_ms }) => at_ms + result.interval_ms <= result.rate.seconds * 1_000,
  )
  const end = whole.length * result.interval_ms
  return (['ok', 'rejected', 'failed', 'unknown'] as const)
    .filter((outcome) => outcome === 'ok' || result.counts[outcome] > 0)
    .map((outcome) => ({
      name: outcome,
      means: outcome,
      n: result.counts[outcome],
      step: true,
      points:
        result.counts[outcome] === 0
          ? []
          : [
              ...whole.map((each): [number, number] => [atSeconds(each.at_ms), each[outcome] * perSecond]),
              [atSeconds(end), null],
            ],
    }))
}

function readingOf(outages: Seen[]): string[] {
  const heard = outages.map(({ part, figures: { during } }) => {
    const refused = during.sent - during.ok
    if (refused === 0) return `${STYLE[part]} accepted all ${during.sent}`
    return `${STYLE[part]} did not accept ${refused} of ${during.sent} (${describeAnswers(during)})`
  })
  const back = outages
    .toSorted((a, b) => a.figures.recovery_ms - b.figures.recovery_ms)
    .map(({ part, figures }) => `${STYLE[part]} after ${ms(figures.recovery_ms)} ms`)
  const waited = outages.map(
    ({ part, figures, counts }) => `${STYLE[part]} ${figures.backlog_peak} (${counts})`,
  )
  const ends = outages.map(
    ({ part, figures, orders }) => `${STYLE[part]} ${figures.reserved} of ${orders.length}`,
  )
  return [
    `Of the orders placed while inventory was away, ${heard.join('; ')}.`,
    `What waited at most: ${waited.join(', ')}.`,
    `Counted from the restart of the process, its start included, the first new order was done: ${back.join(', ')}.`,
    `Reserved in the end: ${ends.join(', ')}. ${lossOf(outages)}`,
  ]
}

function lossOf(outages: Seen[]): string {
  const off = outages.filter(({ ledger }) => ledger.verdict !== 'balanced')
  if (off.length === 0)
    return 'No acknowledged order was lost and none was reserved twice: every ledger balances.'
  return off
    .map(({ part, ledger }) => `The ledger of ${STYLE[part]} is ${ledger.verdict}: ${ledger.reasons[0]}.`)
    .join(' ')
}
