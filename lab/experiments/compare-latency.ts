import { Histogram, isSupported, merged, milliseconds, percentileCell } from '../load/histogram.ts'
import type { Interval, OpenLoopResult } from '../load/result.ts'
import { mostOrders, type Rate } from '../load/schedule.ts'
import { guaranteeCard } from '../part.ts'
import { drivers, STYLE } from '../parts/index.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { stockFor, TRIOS, type TrioName } from '../trio.ts'
import { doubtsAboutLoad, type OfferedLoad, openBench, TRIES } from './bench.ts'
import { everyStretch, percentileChart, timeChart } from './curves.ts'
import {
  type Chart,
  type Column,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Series,
  says,
  tableOf,
} from './experiment.ts'
import { differ, inTurns, repeated, spread } from './repeated.ts'

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
  loads: (OfferedLoad & { rate: number; tries: number })[]
}

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params } = context
  const { rates, seconds, warmUpOrders, repetitions } = params
  const measured = await inTurns(TRIOS, repetitions, (part, repetition) => measure(context, part, repetition))
  const settings = settingsOf(measured, rates)
  const latencies = settings.flatMap((setting) =>
    LATENCIES.map((latency) => ({ ...setting, latency, ...setting[latency] })),
  )
  const counts = settings.flatMap(({ runs }) => runs.map((run) => run.counts))
  const total = counts.reduce((sum, { sent }) => sum + sent, 0)
  const ok = counts.reduce((sum, { ok }) => sum + ok, 0)
  const countOf = (name: 'offered' | 'dropped' | 'sent' | 'ok' | 'completed') => (setting: Setting) =>
    setting.runs.reduce((sum, run) => sum + run.counts[name], 0)
  return {
    checks: [
      check('every order is accepted', ok === total, `${ok} of ${total} accepted`),
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
      tableOf(
        `Latency from the intended time in ms, ${repetitions === 1 ? 'one run, so no range' : `median of ${repetitions} runs (range)`}; ${seconds} s a rate, after ${warmUpOrders} orders to warm up that are not in it`,
        latencies,
        [
          ['orders/s', ({ rate }) => rate],
          ['style', ({ style }) => style],
          ['latency', ({ latency }) => latency],
          ['n', ({ all }) => all.count],
          ...SHARES.map((share): Column<Latency> => [`p${share * 100} ms`, (one) => cellOf(one, share)]),
        ],
      ),
      // What the generator offered, and what became of it. An order that was sent late counts its lateness.
      tableOf(
        `Offered against achieved, orders of ${repetitions === 1 ? 'one run' : `${repetitions} runs together`}`,
        settings,
        [
          ['orders/s', ({ rate }) => rate],
          ['style', ({ style }) => style],
          ['offered', countOf('offered')],
          ['dropped', countOf('dropped')],
          ['sent', countOf('sent')],
          ['accepted', countOf('ok')],
          ['done', countOf('completed')],
          ['sent/s', ({ runs }) => spread(repeated(runs.map((run) => run.achieved_per_second)), toTenths)],
          ['tries', ({ loads }) => loads.reduce((sum, { tries }) => sum + tries, 0)],
        ],
      ),
    ],
    charts: chartsOf(measured, params),
    reading: [
      ...rates.flatMap((rate) => LATENCIES.flatMap((latency) => compared(settings, rate, latency))),
      ...(repetitions < 3 ? ['One run each cannot tell a difference between the styles from noise.'] : []),
    ],
    says: settings.filter(({ rate }) => rate === Math.max(...rates)).flatMap(saidOf),
    invalid: measured.flatMap(({ part, repetition, loads }) =>
      loads.flatMap(({ rate, result }) =>
        doubtsAboutLoad(`${STYLE[part]} at ${rate}/s, run ${repetition + 1}`, result),
      ),
    ),
    data: {
      ...Object.fromEntries(
        latencies.map(({ part, rate, latency, figure }) => [
          `${part}_${latency}_at_${rate}`,
          Object.fromEntries(SHARES.map((share) => [`p${share * 100}_us`, figure(share)])),
        ]),
      ),
      histograms: latencies.map(({ part, rate, latency, all }) => ({
        part,
        rate,
        latency,
        hdr_us: all.toJSON(),
      })),
    },
  }
}

const toTenths = (value: number) => value.toFixed(1)

async function measure(context: ExperimentContext<Params>, part: TrioName, repetition: number) {
  const { rates, seconds, arrivals, warmUpOrders, repetitions } = context.params
  const plans = rates.map((perSecond): Rate => ({ perSecond, seconds, arrivals }))
  const stock = stockFor(warmUpOrders + TRIES * mostOrders(plans))
  await using bench = await openBench(context, { part, durable: true, stock })
  const what = `${STYLE[part]}, run ${repetition + 1} of ${repetitions}`
  await bench.warmUp(warmUpOrders, what)
  const loads: Measured['loads'] = []
  for (const rate of plans) {
    const load = await bench.offer({ rate, seed: repetition + 1, what: `${what}, ${rate.perSecond}/s` })
    loads.push({ rate: rate.perSecond, ...load })
  }
  const guarantees = await bench.watch.card()
  return { part, repetition, loads, guarantees, ledger: await bench.ledger() }
}

const LATENCIES = ['acceptance', 'completion'] as const
const SHARES = [0.5, 0.9, 0.95, 0.99]

/** One style at one rate, over all repetitions. */
type Setting = ReturnType<typeof settingsOf>[number]

const settingsOf = (measured: Measured[], rates: number[]) =>
  rates.flatMap((rate) =>
    TRIOS.map((part) => {
      const copies = measured.filter((one) => one.part === part)
      const loads = copies.flatMap((one) => one.loads.filter((load) => load.rate === rate))
      const runs = loads.map(({ result }) => result)
      return {
        rate,
        part,
        style: STYLE[part],
        loads,
        runs,
        acceptance: latencyOf(runs.map(({ response }) => response.ok)),
        completion: latencyOf(runs.map(({ completion }) => completion.reserved)),
      }
    }),
  )

type Latency = ReturnType<typeof latencyOf>

function latencyOf(serialized: string[]) {
  const runs = serialized.map((one) => Histogram.from(one))
  return {
    times: runs.length,
    all: merged(serialized),
    /** Median and range over the repetitions of one percentile, in microseconds. */
    figure: (share: number) => repeated(runs.map((run) => run.percentile(share))),
  }
}

/** A percentile that single runs do not support is that of all runs together, or one of its samples, and says so. */
function cellOf({ times, all, figure }: Latency, share: number): string {
  const supported = figure(share)
  if (supported) return spread(supported, milliseconds)
  const remark = times > 1 && isSupported(all.count, share) ? ' (all runs)' : ''
  return `${percentileCell(all, share)}${remark}`
}

/** The styles from the fastest to the slowest by their median, and whether the distance is more than noise. */
function compared(settings: Setting[], rate: number, latency: (typeof LATENCIES)[number]): string[] {
  const [first, ...others] = settings
    .filter((setting) => setting.rate === rate)
    .flatMap(({ style, [latency]: { figure } }) => {
      const median = figure(0.5)
      return median ? { style, figure: median } : []
    })
    .sort((a, b) => a.figure.median - b.figure.median)
  if (!first || others.length === 0) return []
  const verb = latency === 'acceptance' ? 'accepts' : 'is done with'
  const rest = others.map(({ style, figure }) => {
    const isNoise = differ(first.figure, figure) === false
    const remark = isNoise ? ', which is within the run-to-run range' : ''
    return `${style} in ${milliseconds(figure.median)} ms (${(figure.median / first.figure.median).toFixed(1)} times as long${remark})`
  })
  return [
    `At ${rate} orders/s ${first.style} ${verb} half of the orders within ${milliseconds(first.figure.median)} ms, ${rest.join(', ')}.`,
  ]
}

/** The medians of a style, as its row of the table has them. */
function saidOf({ rate, part, acceptance, completion }: Setting) {
  const medianOf = ({ figure }: Latency) => {
    const median = figure(0.5)
    return median ? `${milliseconds(median.median)} ms` : 'n/a'
  }
  const words = isAtOnce(part)
    ? `accepted and done after ${medianOf(acceptance)}`
    : `accepted after ${medianOf(acceptance)}, done after ${medianOf(completion)}`
  return says(part, [['the same load on all three', `${words} (median, ${rate}/s offered)`]])
}

/** The answer of part A is its completion, so one curve is both. */
const isAtOnce = (part: TrioName) => drivers[part].completes === 'response'

/** Of each rate: latency by percentile, latency over time, and what was achieved of what was offered. */
export function chartsOf(measured: Measured[], { rates }: Pick<Params, 'rates'>): Chart[] {
  const settings = settingsOf(measured, rates)
  return rates.flatMap((rate) => chartsAt(settings.filter((setting) => setting.rate === rate)))
}

/** The charts of one rate. */
function chartsAt(settings: Setting[]): Chart[] {
  // Each style is offered the same plan.
  const [{ rate, runs: plan }] = settings as [Setting]
  const widthMs = widthFor(rate, plan)
  const curves = settings.flatMap(({ part, style, runs, acceptance, completion }) => {
    const accepted = {
      means: part,
      runs,
      ...acceptance,
      interval: 'response_ok',
      counted: 'accepted',
    } as const
    const done = { means: part, runs, ...completion, interval: 'completion', counted: 'done' } as const
    return isAtOnce(part)
      ? [{ ...accepted, name: `${style} acceptance and completion`, did: `${style} accepted and done` }]
      : [
          { ...accepted, name: `${style} acceptance`, did: `${style} accepted` },
          { ...done, name: `${style} completion`, did: `${style} done` },
        ]
  })
  return [
    percentileChart(
      `Latency by percentile at ${rate} orders/s`,
      curves.map(({ name, means, all }) => ({ name, means, histogram: all })),
    ),
    timeChart({
      title: `Latency over time at ${rate} orders/s: the median of each ${widthMs / 1_000} s, by the intended time`,
      y: { label: 'latency from the intended time, median', unit: 'ms', scale: 'log' },
      series: curves.map(({ name, means, runs, all, interval }) => ({
        name,
        means,
        n: all.count,
        points: medians(runs, interval, widthMs),
      })),
    }),
    timeChart({
      title: `Offered against achieved at ${rate} orders/s, ${plan.length === 1 ? 'one run' : `mean of ${plan.length} runs`}`,
      y: { label: 'rate', unit: 'orders/s' },
      series: [
        ...curves.map(({ did, means, runs, all, counted }) => ({
          name: did,
          means,
          n: all.count,
          points: ratesOf(runs, counted, widthMs),
        })),
        {
          name: 'offered to each',
          means: 'offered',
          n: plan.reduce((sum, { counts }) => sum + counts.offered, 0),
          points: ratesOf(plan, 'offered', widthMs),
        },
      ],
    }),
  ]
}

/** Of all runs together; a stretch with too few samples for a median is a gap. */
function medians(
  runs: OpenLoopResult[],
  kind: 'response_ok' | 'completion',
  widthMs: number,
): Series['points'] {
  const intervals = runs.flatMap((run) => run.intervals)
  const stretches = Map.groupBy(intervals, ({ at_ms }) => Math.floor(at_ms / widthMs))
  return everyStretch(stretches).map(([at, own = []]) => {
    const us = merged(own.map((interval) => interval[kind])).percentile(0.5)
    return [middleOf(at, widthMs), us === undefined ? null : us / 1_000]
  })
}

/**
 * Orders per second in each stretch, as the mean over runs of the same plan: as long as the load lasts, and further until
 * the last of them. A stretch in which either of these ends is not whole, and is left out.
 */
function ratesOf(
  runs: OpenLoopResult[],
  counted: keyof Pick<Interval, 'offered' | 'accepted' | 'done'>,
  widthMs: number,
): Series['points'] {
  const counts: number[] = []
  for (const interval of runs.flatMap(({ intervals }) => intervals)) {
    const at = Math.floor(interval.at_ms / widthMs)
    counts[at] = (counts[at] ?? 0) + interval[counted]
  }
  const lastedMs = (runs[0]?.rate.seconds ?? 0) * 1_000
  const whole = Math.max(
    Math.floor(lastedMs / widthMs),
    counts.findLastIndex((count) => count > 0),
  )
  return Array.from({ length: whole }, (_, at): [number, number] => {
    const perSecond = (counts[at] ?? 0) / runs.length / (widthMs / 1_000)
    return [middleOf(at, widthMs), Math.round(perSecond)]
  })
}

const MOST_STRETCHES = 40

/** Whole intervals of the generator: so many that they have samples for a median, and that a curve stays readable. */
function widthFor(rate: number, runs: OpenLoopResult[]): number {
  const intervalMs = runs[0]?.interval_ms ?? 250
  const perInterval = (rate * intervalMs * runs.length) / 1_000
  let intervals = Math.max(1, Math.ceil((runs[0]?.intervals.length ?? 0) / MOST_STRETCHES))
  while (!isSupported(Math.floor(intervals * perInterval), 0.5)) intervals++
  return intervals * intervalMs
}

const middleOf = (stretch: number, widthMs: number): number => ((stretch + 0.5) * widthMs) / 1_000
