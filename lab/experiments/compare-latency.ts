import { isSupported, milliseconds, percentileCell } from '../load/histogram.ts'
import type { OpenLoopResult } from '../load/result.ts'
import { mostOrders, type Rate } from '../load/schedule.ts'
import { guaranteeCard } from '../part.ts'
import { openPartClient } from '../parts/client.ts'
import { drivers, STYLE, watchPart } from '../parts/index.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { stockEnv, stockFor, TRIOS, type TrioName } from '../trio.ts'
import { everyStretch, merged, percentileChart, timeChart } from './curves.ts'
import {
  type Chart,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Series,
  type Table,
} from './experiment.ts'
import { doubtsAboutLoad, offerPunctually, type PunctualLoad, TRIES, warmUp } from './offered-load.ts'
import { differ, type Repeated, repeated, rotated, spread } from './repeated.ts'

export interface Params extends Record<string, unknown> {
  /** Orders per second, one after the other on the same copy of a part. */
  rates: number[]
  /** How long each rate is measured. */
  seconds: number
  /** Orders that are placed and done before, in every fresh copy of a part, and in no figure. */
  warmUpOrders: number
  /** `poisson`: independent arrivals; `even`: equal gaps. */
  arrivals: 'even' | 'poisson'
  repetitions: number
}

export const compareLatency = defineExperiment<Params>({
  name: 'compare-latency',
  part: 'all',
  question: 'At the same offered rate, how long until an order is accepted, and how long until it is done?',
  profiles: {
    quick: { rates: [50], seconds: 2, warmUpOrders: 100, arrivals: 'even', repetitions: 1 },
    // 400 orders a run have a p95, those of the three runs together a p99.
    default: { rates: [200], seconds: 2, warmUpOrders: 200, arrivals: 'even', repetitions: 3 },
    full: { rates: [50, 200, 400], seconds: 20, warmUpOrders: 1_000, arrivals: 'poisson', repetitions: 3 },
  },
  run,
})

/** One copy of one part, loaded with each rate in turn. */
export interface Measured {
  part: TrioName
  repetition: number
  loads: (PunctualLoad & { rate: number })[]
}

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params } = context
  const measured: Awaited<ReturnType<typeof measure>>[] = []
  for (let repetition = 0; repetition < params.repetitions; repetition++) {
    for (const part of rotated(TRIOS, repetition)) measured.push(await measure(context, part, repetition))
  }
  const sent = measured.flatMap(({ loads }) => loads.map(({ result }) => result.counts))
  const notOk = sent.reduce((sum, counts) => sum + counts.sent - counts.ok, 0)
  const total = sent.reduce((sum, counts) => sum + counts.sent, 0)
  return {
    checks: [
      check('every order is accepted', notOk === 0, `${total - notOk} of ${total} accepted`),
      ...measured.map(({ part, repetition, ledger }) =>
        ledgerCheck(` (${STYLE[part]}, run ${repetition + 1})`, ledger),
      ),
    ],
    tables: [
      guaranteeCard(
        TRIOS.map((part) => ({
          name: STYLE[part],
          guarantees: measured.find((one) => one.part === part)!.guarantees,
        })),
      ),
      tableOf(measured, params),
      offersTable(measured, params),
    ],
    charts: chartsOf(measured, params),
    reading: readingOf(measured, params),
    invalid: measured.flatMap(({ part, repetition, loads }) =>
      loads.flatMap(({ rate, result }) =>
        doubtsAboutLoad(`${STYLE[part]} at ${rate}/s, run ${repetition + 1}`, result),
      ),
    ),
    data: dataOf(measured, params),
  }
}

async function measure(context: ExperimentContext<Params>, name: TrioName, repetition: number) {
  const { params, signal } = context
  const planOf = (perSecond: number): Rate => ({
    perSecond,
    seconds: params.seconds,
    arrivals: params.arrivals,
  })
  const initial = stockFor(params.warmUpOrders + TRIES * mostOrders(params.rates.map(planOf)))
  const part = await context.startPart(name, { durable: true, env: stockEnv(initial) })
  try {
    await using client = openPartClient(part, signal)
    await using watch = await watchPart({ part, client, signal })
    const what = `${STYLE[name]}, run ${repetition + 1} of ${params.repetitions}`
    const warm = await warmUp(client, { ...context, count: params.warmUpOrders, what })
    const loads: Measured['loads'] = []
    for (const rate of params.rates) {
      const plan = { rate: planOf(rate), seed: repetition + 1, what: `${what}, ${rate}/s` }
      loads.push({ rate, ...(await offerPunctually(context, part, plan)) })
    }
    const guarantees = await watch.card()
    const histories = [warm, ...loads.flatMap((load) => load.histories)]
    const ledger = await ledgerOf(part, { histories, initial, signal })
    return { part: name, repetition, loads, guarantees, ledger }
  } finally {
    await part.close()
  }
}

const LATENCIES = ['acceptance', 'completion'] as const
type Latency = (typeof LATENCIES)[number]

/** One latency of one style at one rate, over all repetitions. */
interface Asked {
  part: TrioName
  rate: number
  latency: Latency
}

type Load = Measured['loads'][number]

const loadsOf = (measured: Measured[], { part, rate }: Pick<Asked, 'part' | 'rate'>): Load[] =>
  measured
    .filter((one) => one.part === part)
    .flatMap(({ loads }) => loads.filter((load) => load.rate === rate))

const histogramsOf = (measured: Measured[], asked: Asked) =>
  loadsOf(measured, asked).map(({ result }) =>
    asked.latency === 'acceptance' ? result.response.ok : result.completion.reserved,
  )

/** What a chart shows of each style: the answer of part A is its completion, so one curve is both. */
const CURVES: { part: TrioName; latency: Latency; style: string; isBoth: boolean }[] = TRIOS.flatMap((part) =>
  LATENCIES.filter((latency) => drivers[part].completes === 'stream' || latency === 'acceptance').map(
    (latency) => ({
      part,
      latency,
      style: STYLE[part],
      isBoth: drivers[part].completes === 'response',
    }),
  ),
)

const SHARES = [0.5, 0.9, 0.95, 0.99]

/** Median and range over the repetitions of one percentile, in microseconds. */
function figureOf(measured: Measured[], asked: Asked, share: number): Repeated | undefined {
  return repeated(histogramsOf(measured, asked).map((histogram) => merged([histogram]).percentile(share)))
}

const rowsOf = (rates: number[]): Asked[] =>
  rates.flatMap((rate) => TRIOS.flatMap((part) => LATENCIES.map((latency) => ({ part, rate, latency }))))

function tableOf(measured: Measured[], { rates, repetitions, seconds, warmUpOrders }: Params): Table {
  const runs = repetitions === 1 ? 'one run, so no range' : `median of ${repetitions} runs (range)`
  return {
    title: `Latency from the intended time in ms, ${runs}; ${seconds} s a rate, after ${warmUpOrders} orders to warm up that are not in it`,
    columns: ['orders/s', 'style', 'latency', 'n', ...SHARES.map((share) => `p${share * 100} ms`)],
    rows: rowsOf(rates).map((asked) => [
      asked.rate,
      STYLE[asked.part],
      asked.latency,
      merged(histogramsOf(measured, asked)).count,
      ...SHARES.map((share) => cellOf(measured, asked, share)),
    ]),
  }
}

/** A percentile that single runs do not support is that of all runs together, or one of its samples, and says so. */
function cellOf(measured: Measured[], asked: Asked, share: number): string {
  const figure = figureOf(measured, asked, share)
  if (figure) return spread(figure, milliseconds)
  const histograms = histogramsOf(measured, asked)
  const all = merged(histograms)
  const remark = histograms.length > 1 && isSupported(all.count, share) ? ' (all runs)' : ''
  return `${percentileCell(all.count, share, all.nearestRank(share))}${remark}`
}

/** What the generator offered, and what became of it. An order that was sent late counts its lateness. */
const offersTable = (measured: Measured[], { rates, repetitions }: Params): Table => ({
  title: `Offered against achieved, orders of ${repetitions === 1 ? 'one run' : `${repetitions} runs together`}`,
  columns: ['orders/s', 'style', 'offered', 'dropped', 'sent', 'accepted', 'done', 'sent/s', 'tries'],
  rows: rates.flatMap((rate) =>
    TRIOS.map((part) => {
      const loads = loadsOf(measured, { part, rate })
      const sum = (of: (load: (typeof loads)[number]) => number) =>
        loads.reduce((all, load) => all + of(load), 0)
      return [
        rate,
        STYLE[part],
        sum(({ result }) => result.counts.offered),
        sum(({ result }) => result.counts.dropped),
        sum(({ result }) => result.counts.sent),
        sum(({ result }) => result.counts.ok),
        sum(({ result }) => result.counts.completed),
        spread(repeated(loads.map(({ result }) => result.achieved_per_second)), (value) => value.toFixed(1)),
        sum(({ tries }) => tries),
      ]
    }),
  ),
})

function readingOf(measured: Measured[], { rates, repetitions }: Params): string[] {
  const sentences = rates.flatMap((rate) =>
    LATENCIES.flatMap((latency) => compared(measured, rate, latency) ?? []),
  )
  const few = repetitions < 3 ? ['One run each cannot tell a difference between the styles from noise.'] : []
  return [...sentences, ...few, ...tailOf(measured, Math.max(...rates))]
}

/** The styles from the fastest to the slowest by their median, and whether the distance is more than noise. */
function compared(measured: Measured[], rate: number, latency: Latency): string | undefined {
  const ranked = TRIOS.flatMap((part) => {
    const figure = figureOf(measured, { part, rate, latency }, 0.5)
    return figure ? [{ part, figure }] : []
  }).sort((a, b) => a.figure.median - b.figure.median)
  const [first, ...others] = ranked
  if (!first || others.length === 0) return undefined
  const verb = latency === 'acceptance' ? 'accepts' : 'is done with'
  const rest = others.map(({ part, figure }) => {
    const apart = differ(first.figure, figure)
    const remark = apart === false ? ', which is within the run-to-run range' : ''
    return `${STYLE[part]} in ${milliseconds(figure.median)} ms (${(figure.median / first.figure.median).toFixed(1)} times as long${remark})`
  })
  return `At ${rate} orders/s ${STYLE[first.part]} ${verb} half of the orders within ${milliseconds(first.figure.median)} ms, ${rest.join(', ')}.`
}

/** What an accepted order still has to wait for, where acceptance is not completion. */
function tailOf(measured: Measured[], rate: number): string[] {
  return TRIOS.flatMap((part) => {
    const [accepted, completed] = LATENCIES.map((latency) =>
      merged(histogramsOf(measured, { part, rate, latency })),
    )
    const share = [0.99, 0.95, 0.9, 0.5].find((p) =>
      isSupported(Math.min(accepted!.count, completed!.count), p),
    )
    if (share === undefined) return []
    const [a, c] = [accepted!.percentile(share)!, completed!.percentile(share)!]
    const kind =
      drivers[part].completes === 'response'
        ? 'the answer is the completion'
        : `it is done after ${milliseconds(c)} ms`
    return [
      `At ${rate} orders/s, p${share * 100} over all runs: ${STYLE[part]} answers after ${milliseconds(a)} ms; ${kind}.`,
    ]
  })
}

function dataOf(measured: Measured[], { rates }: Params): Record<string, unknown> {
  const entry = ({ part, rate, latency }: Asked) => [
    `${part}_${latency}_at_${rate}`,
    Object.fromEntries(
      SHARES.map((share) => [`p${share * 100}_us`, figureOf(measured, { part, rate, latency }, share)]),
    ),
  ]
  return {
    ...Object.fromEntries(rowsOf(rates).map(entry)),
    histograms: rowsOf(rates).map((asked) => ({
      ...asked,
      us: merged(histogramsOf(measured, asked)).toJSON(),
    })),
    generator: measured.flatMap(({ part, repetition, loads }) =>
      loads.map(({ rate, tries, result }) => ({
        part,
        repetition,
        rate,
        tries,
        offered_per_second: result.offered_per_second,
        achieved_per_second: result.achieved_per_second,
        verdict: result.verdict,
      })),
    ),
  }
}

/** Of each rate: latency by percentile, latency over time, and what was achieved of what was offered. */
export const chartsOf = (measured: Measured[], { rates }: Params): Chart[] =>
  rates.flatMap((rate) => [
    byPercentile(measured, rate),
    overTime(measured, rate),
    offeredAgainstAchieved(measured, rate),
  ])

const byPercentile = (measured: Measured[], rate: number): Chart =>
  percentileChart(
    `Latency by percentile at ${rate} orders/s`,
    CURVES.map(({ part, latency, style, isBoth }) => ({
      name: `${style} ${isBoth ? 'acceptance and completion' : latency}`,
      means: part,
      histogram: merged(histogramsOf(measured, { part, rate, latency })),
    })),
  )

function overTime(measured: Measured[], rate: number): Chart {
  const widthMs = widthFor(measured, rate)
  return timeChart({
    title: `Latency over time at ${rate} orders/s: the median of each ${widthMs / 1_000} s, by the intended time`,
    y: { label: 'latency from the intended time, median', unit: 'ms', scale: 'log' },
    series: CURVES.map(({ part, latency, style, isBoth }) => {
      const runs = loadsOf(measured, { part, rate }).map(({ result }) => result)
      return {
        name: `${style} ${isBoth ? 'acceptance and completion' : latency}`,
        means: part,
        n: merged(histogramsOf(measured, { part, rate, latency })).count,
        points: medians(runs, latency === 'acceptance' ? 'response_ok' : 'completion', widthMs),
      }
    }),
  })
}

/** Of all runs together; a stretch with too few samples for a median is a gap. */
function medians(
  runs: OpenLoopResult[],
  kind: 'response_ok' | 'completion',
  widthMs: number,
): Series['points'] {
  const stretches = Map.groupBy(
    runs.flatMap(({ intervals }) => intervals),
    ({ at_ms }) => Math.floor(at_ms / widthMs),
  )
  return everyStretch(stretches).map(([at, intervals = []]) => {
    const us = merged(intervals.map((interval) => interval[kind])).percentile(0.5)
    return [middleOf(at, widthMs), us === undefined ? null : us / 1_000]
  })
}

function offeredAgainstAchieved(measured: Measured[], rate: number): Chart {
  const widthMs = widthFor(measured, rate)
  const runsOf = (part: (typeof TRIOS)[number]) =>
    loadsOf(measured, { part, rate }).map(({ result }) => result)
  const achieved = CURVES.map(({ part, latency, style, isBoth }) => {
    const counted = latency === 'acceptance' ? ('ok' as const) : ('completed' as const)
    const runs = runsOf(part)
    return {
      name: `${style} ${isBoth ? 'accepted and done' : latency === 'acceptance' ? 'accepted' : 'done'}`,
      means: part,
      n: runs.reduce((sum, { counts }) => sum + counts[counted], 0),
      rates: rateOverTime(runs, counted, widthMs),
    }
  })
  // Each style is offered the same plan.
  const plan = runsOf(TRIOS[0]!)
  const offered = {
    name: 'offered to each',
    means: 'offered' as const,
    n: plan.reduce((sum, { counts }) => sum + counts.offered, 0),
    rates: offeredOverTime(plan, widthMs),
  }
  return timeChart({
    title: `Offered against achieved at ${rate} orders/s, ${plan.length === 1 ? 'one run' : `mean of ${plan.length} runs`}`,
    y: { label: 'rate', unit: 'orders/s' },
    series: [...achieved, offered].map(({ name, means, n, rates }) => ({
      name,
      means,
      n,
      points: rates.map((rate, at) => [middleOf(at, widthMs), Math.round(rate)]),
    })),
  })
}

function offeredOverTime(runs: OpenLoopResult[], widthMs: number): number[] {
  const rates: number[] = []
  for (const { at_ms, offered } of runs.flatMap(({ intervals }) => intervals)) {
    const at = Math.floor(at_ms / widthMs)
    if ((at + 1) * widthMs > runs[0]!.rate.seconds * 1_000) continue // not whole
    rates[at] = (rates[at] ?? 0) + offered / runs.length / (widthMs / 1_000)
  }
  return rates
}

const MOST_STRETCHES = 40

/**
 * Whole intervals of the generator: so many of them that the runs together have samples for a median, and that a curve
 * can still be followed by eye.
 */
function widthFor(measured: Measured[], rate: number): number {
  const runs = loadsOf(measured, { part: TRIOS[0]!, rate })
  const intervalMs = runs[0]?.result.interval_ms ?? 250
  const perInterval = (rate * intervalMs * runs.length) / 1_000
  let intervals = Math.max(1, Math.ceil((runs[0]?.result.intervals.length ?? 0) / MOST_STRETCHES))
  while (!isSupported(Math.floor(intervals * perInterval), 0.5)) intervals++
  return intervals * intervalMs
}

const middleOf = (stretch: number, widthMs: number): number => ((stretch + 0.5) * widthMs) / 1_000

type Run = Pick<OpenLoopResult, 'timeline' | 'counts' | 'rate' | 'ended_ms'>
type Counted = 'ok' | 'completed'
type Seen = [atMs: number, count: number][]

/**
 * Orders per second in each stretch of `widthMs` since the load began, as the mean over runs of the same plan: until the
 * load ends, and further until the last of them. A stretch in which either of these comes is left out: it is not whole,
 * and its rate would fall for no reason. The generator counts at its live snapshots; between two of them the orders came
 * evenly.
 */
export function rateOverTime(runs: Run[], counted: Counted, widthMs: number): number[] {
  const seen = runs.map((run) => countsSeen(run, counted))
  const lastMs = Math.max(0, ...seen.map(whenAllWereSeen))
  if (lastMs === 0) return []
  const endMs = Math.max(lastMs, ...runs.map(({ rate }) => rate.seconds * 1_000))
  return Array.from({ length: Math.floor(endMs / widthMs) }, (_, at) => {
    const came = seen.map((run) => countAt(run, (at + 1) * widthMs) - countAt(run, at * widthMs))
    return came.reduce((sum, count) => sum + count, 0) / seen.length / (widthMs / 1_000)
  })
}

function countsSeen({ timeline, counts, ended_ms: endMs }: Run, counted: Counted): Seen {
  const snapshots = timeline.map((snapshot): Seen[number] => [snapshot.elapsed_ms, snapshot.counts[counted]])
  return [[0, 0], ...snapshots.filter(([atMs]) => atMs > 0 && atMs < endMs), [endMs, counts[counted]]]
}

function whenAllWereSeen(seen: Seen): number {
  const all = seen.at(-1)![1]
  return seen.find(([, count]) => count === all)![0]
}

function countAt(seen: Seen, atMs: number): number {
  const next = seen.findIndex(([at]) => at >= atMs)
  if (next === -1) return seen.at(-1)![1]
  if (next === 0) return 0
  const [[fromMs, from], [toMs, to]] = [seen[next - 1]!, seen[next]!]
  return from + ((to - from) * (atMs - fromMs)) / (toMs - fromMs)
}
