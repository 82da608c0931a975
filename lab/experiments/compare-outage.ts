import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal, type OrderStatus } from '@lab/common/domain/order.ts'
import { pause } from '@lab/kit/wait.ts'
import {
  type Answers,
  answersOf,
  describeStatuses,
  type HistoryRecord,
  openHistoryFile,
} from '../ledger/history.ts'
import { isReserved } from '../ledger/observed.ts'
import { orderIds } from '../load/closed-loop.ts'
import { milliseconds } from '../load/histogram.ts'
import type { OrderStreamClient } from '../load/order-stream.ts'
import type { OpenLoopResult } from '../load/result.ts'
import { mostOrders, type Rate } from '../load/schedule.ts'
import { guaranteeCard, type PartWatch } from '../part.ts'
import { drivers, STYLE } from '../parts/index.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { stockFor, TRIOS, type TrioName } from '../trio.ts'
import { type Bench, doubtsAboutLoad, type LoadClock, openBench } from './bench.ts'
import { atSeconds, everyStretch, timeChart } from './curves.ts'
import {
  type Chart,
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Series,
  tableOf,
} from './experiment.ts'

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
  const outages = await Array.fromAsync(TRIOS, (part) => outageOf(context, part))
  return {
    checks: outages.flatMap(checksOf),
    tables: [
      guaranteeCard(outages.map(({ style, guarantees }) => ({ name: style, guarantees }))),
      tableOf('What clients hear: answers by the moment the order was sent', outages, [
        ['style', ({ style }) => style],
        ['before the crash', ({ figures }) => describeAnswers(figures.before)],
        ['while inventory is away', ({ figures }) => describeAnswers(figures.during)],
        ['after the restart', ({ figures }) => describeAnswers(figures.after)],
        ['without an answer', ({ orders }) => orders.filter(({ outcome }) => outcome === 'unknown').length],
      ]),
      tableOf(
        'Coming back: milliseconds from the restart of the process, and what became of the orders',
        outages,
        [
          ['style', ({ style }) => style],
          ['most waiting', ({ figures }) => figures.backlog_peak],
          ['counted as', ({ counts }) => counts],
          ['ready ms', ({ figures }) => ms(figures.ready_ms)],
          ['first new order done ms', ({ figures }) => ms(figures.recovery_ms)],
          ['older orders all ended ms', ({ figures }) => ms(figures.backlog_gone_ms)],
          ['reserved', ({ figures }) => figures.reserved],
          ['failed', ({ figures }) => figures.failed],
          ['ledger', ({ ledger }) => ledger.verdict],
        ],
      ),
    ],
    charts: chartsOf(outages),
    reading: readingOf(outages),
    invalid: outages.flatMap(({ style, load }) => doubtsAboutLoad(style, load.result)),
    data: Object.fromEntries(outages.map(({ part, figures }) => [part, figures])),
  }
}

function checksOf({ part, style, figures, ledger, waitingAtRestart, counts }: Outage): Check[] {
  const { during, recovery_ms } = figures
  const heard = `${during.sent} orders placed meanwhile: ${describeAnswers(during)}`
  const isSent = during.sent > 0
  const clients =
    drivers[part].completes === 'response'
      ? [check(`${style}: no order is accepted while inventory is away`, isSent && during.ok === 0, heard)]
      : [
          check(
            `${style}: every order is accepted while inventory is away`,
            isSent && during.ok === during.sent,
            heard,
          ),
          check(
            `${style}: what is accepted waits`,
            // What was accepted a moment ago may be on its way into the queue.
            waitingAtRestart >= during.ok * 0.8,
            `${waitingAtRestart} right before the restart (${counts}), ${during.ok} orders accepted since the crash`,
          ),
        ]
  return [
    ...clients,
    check(
      `${style}: an order placed after the restart is done`,
      recovery_ms > 0,
      `the first one ${Math.round(recovery_ms)} ms after the restart`,
    ),
    ledgerCheck(` (${style}): nothing is lost`, ledger),
  ]
}

/** One order with what became of it. Times are milliseconds since the load began. */
export interface Traced extends Pick<HistoryRecord, 'outcome' | 'status'> {
  sentMs: number
  /** When it was seen in its terminal status, and which that was. */
  doneMs?: number
  ended?: OrderStatus
}

const WARM_UP = 50
const SAMPLE_MS = 200

type Outage = Awaited<ReturnType<typeof outageOf>>

/** Loads a durable copy of one part, kills its inventory under way, starts it again, and follows every order to its end. */
async function outageOf(context: ExperimentContext<Params>, part: TrioName) {
  const { rate: perSecond, beforeSeconds, outageSeconds, afterSeconds } = context.params
  const style = STYLE[part]
  const rate: Rate = { perSecond, seconds: beforeSeconds + outageSeconds + afterSeconds }
  await using bench = await openBench(context, {
    part,
    durable: true,
    stock: stockFor(WARM_UP + mostOrders([rate])),
  })
  await bench.warmUp(WARM_UP, style)
  const stream = await bench.client.stream()
  // The fault and the samples of the backlog go on beside the load.
  const { load, result, zero } = await bench.offerWhile({
    what: style,
    rate,
    keyPrefix: `outage-${style}`,
    drainMs: 60_000,
    beside: (clock) =>
      Promise.all([killAndRestart(bench, stream, clock, context.params), sampleWaiting(bench.watch, clock)]),
  })
  const [moments, samples] = result
  const ledger = await bench.ledger({ settleMs: 60_000 })
  const orders = await trace(load.history, stream, zero)
  const guarantees = await bench.watch.card()
  const seen = { ...moments, samples, orders }
  return {
    part,
    style,
    load,
    ...seen,
    figures: figuresOf(seen),
    ledger,
    guarantees,
    counts: bench.watch.counts,
  }
}

/** Moments are milliseconds since the load began. */
async function killAndRestart(
  bench: Bench,
  stream: OrderStreamClient,
  { now, signal }: LoadClock,
  { beforeSeconds, outageSeconds }: Params,
) {
  const { inventory } = bench.part
  // The length of the outage is a parameter: here the time itself is what is asked for.
  const until = (ms: number) => sleep(Math.max(0, ms - now()), undefined, { signal })
  await until(beforeSeconds * 1_000)
  await inventory.kill()
  const killedMs = now()
  await until(killedMs + outageSeconds * 1_000)
  const waitingAtRestart = await bench.watch.waiting()
  const restartedMs = now()
  await inventory.start()
  const readyMs = now()
  // The load may have ended before.
  const ids = orderIds(await bench.place(1))
  await stream.completed(ids, { passes: isReserved, what: 'reserved', timeoutMs: 60_000 })
  return { killedMs, restartedMs, readyMs, waitingAtRestart, readyOrderDoneMs: now() }
}

async function sampleWaiting(watch: PartWatch, { now, over }: LoadClock) {
  const samples: { atMs: number; waiting: number }[] = []
  while (!over.aborted) {
    samples.push({ waiting: await watch.waiting(), atMs: now() })
    await pause(SAMPLE_MS, over)
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

type Seen = Awaited<ReturnType<typeof killAndRestart>> & {
  orders: Traced[]
  samples: { atMs: number; waiting: number }[]
}

/** The figures of one part's outage; `null` where something did not happen. */
export function figuresOf({ orders, samples, ...moments }: Seen) {
  const { killedMs, restartedMs, readyMs, readyOrderDoneMs } = moments
  const between = (from: number, to: number) => orders.filter(({ sentMs }) => sentMs >= from && sentMs < to)
  const [earlier, later] = [between(0, restartedMs), between(restartedMs, Infinity)]
  const reserved = (some: Traced[]) => some.filter(({ ended }) => isReserved(ended))
  const newDoneMs = reserved(later).map(({ doneMs = Infinity }) => doneMs)
  const lastOldDoneMs = Math.max(restartedMs, ...earlier.map(({ doneMs = 0 }) => doneMs))
  return {
    before: answersOf(between(0, killedMs)),
    /** Orders sent between the crash and the restart. */
    during: answersOf(between(killedMs, restartedMs)),
    after: answersOf(later),
    /** From the restart of the process until it said it is ready. */
    ready_ms: readyMs - restartedMs,
    /** From the restart to the first completion of an order that was sent after it. */
    recovery_ms: Math.min(readyOrderDoneMs, ...newDoneMs) - restartedMs,
    /** From the restart until the last order that was sent before it had come to its end. */
    backlog_gone_ms: earlier.length === 0 ? null : lastOldDoneMs - restartedMs,
    backlog_peak: Math.max(moments.waitingAtRestart, ...samples.map(({ waiting }) => waiting)),
    reserved: reserved(orders).length,
    failed: orders.filter(({ ended }) => ended === 'failed').length,
  }
}

export const describeAnswers = ({ statuses }: Answers): string => describeStatuses(statuses, 'none')

const ms = (value: number | null) => (value === null ? 'n/a' : milliseconds(value * 1_000))

const chartsOf = (outages: Outage[]): Chart[] => [
  timeChart({
    title: 'Backlog over time',
    y: { label: 'waiting for inventory', unit: 'orders' },
    series: outages.map(({ part, style, samples, counts }) => ({
      name: `${style}: ${counts}`,
      means: part,
      n: samples.length,
      points: samples.map(({ atMs, waiting }): [number, number] => [atSeconds(atMs), waiting]),
    })),
    marks: faultsOf(outages[0]!),
  }),
  timeChart({
    title: 'Latency over time: the slowest reserved order of each quarter second, by the time it was sent',
    y: { label: 'from sending to reserved', unit: 'ms', scale: 'log' },
    series: outages.map(({ part, style, orders, figures }) => ({
      name: style,
      means: part,
      n: figures.reserved,
      points: slowest(orders),
    })),
    marks: faultsOf(outages[0]!),
  }),
  ...outages.map((outage) =>
    timeChart({
      title: `What clients hear from ${outage.style}`,
      y: { label: 'answers', unit: 'orders/s' },
      series: answersOverTime(outage),
      marks: [
        ...faultsOf(outage),
        { x: atSeconds(outage.restartedMs + outage.figures.recovery_ms), label: 'first new order done' },
      ],
    }),
  ),
]

const faultsOf = ({ killedMs, restartedMs }: Outage): NonNullable<Chart['marks']> => [
  { x: atSeconds(killedMs), label: 'inventory killed' },
  { x: atSeconds(restartedMs), label: 'started again' },
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
export function answersOverTime({ load: { result } }: { load: { result: OpenLoopResult } }): Series[] {
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

function readingOf(outages: Outage[]): string[] {
  const heard = outages.map(({ style, figures: { during } }) => {
    const refused = during.sent - during.ok
    if (refused === 0) return `${style} accepted all ${during.sent}`
    return `${style} did not accept ${refused} of ${during.sent} (${describeAnswers(during)})`
  })
  const back = outages
    .toSorted((a, b) => a.figures.recovery_ms - b.figures.recovery_ms)
    .map(({ style, figures }) => `${style} after ${ms(figures.recovery_ms)} ms`)
  const waited = outages.map(({ style, figures, counts }) => `${style} ${figures.backlog_peak} (${counts})`)
  const ends = outages.map(({ style, figures, orders }) => `${style} ${figures.reserved} of ${orders.length}`)
  const losses = outages
    .filter(({ ledger }) => ledger.verdict !== 'balanced')
    .map(({ style, ledger }) => `The ledger of ${style} is ${ledger.verdict}: ${ledger.reasons[0]}.`)
  const none = 'No acknowledged order was lost and none was reserved twice: every ledger balances.'
  return [
    `Of the orders placed while inventory was away, ${heard.join('; ')}.`,
    `What waited at most: ${waited.join(', ')}.`,
    `Counted from the restart of the process, its start included, the first new order was done: ${back.join(', ')}.`,
    `Reserved in the end: ${ends.join(', ')}. ${losses.length === 0 ? none : losses.join(' ')}`,
  ]
}
