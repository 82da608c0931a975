import { Histogram, milliseconds, summarize } from '../load/histogram.ts'
import { mostOrders } from '../load/schedule.ts'
import { guaranteeCard } from '../part.ts'
import { STYLE } from '../parts/index.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { stockFor, TRIOS, type TrioName } from '../trio.ts'
import { doubtsAboutLoad, openBench, TRIES } from './bench.ts'
import {
  type Chart,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Series,
  tableOf,
} from './experiment.ts'

interface Params extends Record<string, unknown> {
  /** Orders per second, rising; a part's steps end with the first that bends. */
  rates: number[]
  secondsPerStep: number
  warmUpOrders: number
  bend: Bend & Record<string, number>
}

export const compareKnee = defineExperiment<Params>({
  name: 'compare-knee',
  part: 'all',
  question: 'How much load does each style carry before latency bends, and what gives way first?',
  profiles: {
    // A p95 needs 200 orders a step.
    quick: { rates: [100, 200], secondsPerStep: 2, warmUpOrders: 100, bend: { times: 20, atLeastMs: 100 } },
    default: {
      rates: [50, 100, 200, 400, 800, 1_600],
      secondsPerStep: 4,
      warmUpOrders: 500,
      bend: { times: 10, atLeastMs: 50 },
    },
    full: {
      rates: [50, 100, 200, 400, 800, 1_200, 1_600, 2_400, 3_200],
      secondsPerStep: 20,
      warmUpOrders: 2_000,
      bend: { times: 10, atLeastMs: 50 },
    },
  },
  run,
})

type Knee = Awaited<ReturnType<typeof kneeOf>>

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { bend, secondsPerStep, warmUpOrders } = context.params
  const knees = await Array.fromAsync(TRIOS, (part) => kneeOf(context, part))
  const steps = knees.flatMap((knee) => knee.steps.map((step) => ({ ...step, ...knee })))
  const latencyOf = (name: 'acceptance' | 'completion', percentile: 'p50_us' | 'p95_us') => (step: Step) => {
    const us = step[name][percentile]
    return step.is_valid && us !== undefined ? milliseconds(us) : '–'
  }
  return {
    checks: knees.flatMap(({ style, steps: [first], ledger }) => [
      check(
        `${style}: every order of the lowest rate is accepted and done`,
        first?.not_accepted === 0 && first.not_completed === 0,
        `${first?.not_accepted} not accepted, ${first?.not_completed} not done, of ${first?.result.counts.sent}`,
      ),
      ledgerCheck(` (${style})`, ledger),
    ]),
    tables: [
      guaranteeCard(knees.map(({ style, guarantees }) => ({ name: style, guarantees }))),
      tableOf(
        `Steps of ${secondsPerStep} s, after ${warmUpOrders} orders to warm up; a step bends with a p95 above ${bend.times} times the first step's median and ${bend.atLeastMs} ms`,
        steps,
        [
          ['style', ({ style }) => style],
          ['offered/s', ({ rate }) => rate],
          ['accepted p50 ms', latencyOf('acceptance', 'p50_us')],
          ['p95 ms', latencyOf('acceptance', 'p95_us')],
          ['done p50 ms', latencyOf('completion', 'p50_us')],
          ['p95 ms', latencyOf('completion', 'p95_us')],
          ['the step', (step) => wordsFor(step, step.judged)],
        ],
      ),
    ],
    charts: chartsOf(knees),
    reading: readingOf(knees),
    invalid: knees.flatMap(doubtsAboutReference),
    data: Object.fromEntries(
      knees.map(({ part, steps, judged }) => [
        part,
        { ...judged, steps: steps.map(({ result: _, history: __, ...figures }) => figures) },
      ]),
    ),
  }
}

async function kneeOf(context: ExperimentContext<Params>, part: TrioName) {
  const { rates, secondsPerStep: seconds, warmUpOrders, bend } = context.params
  const style = STYLE[part]
  const stock = stockFor(
    warmUpOrders + TRIES * mostOrders(rates.map((perSecond) => ({ perSecond, seconds }))),
  )
  await using bench = await openBench(context, { part, durable: true, stock })
  await bench.warmUp(warmUpOrders, style)
  const steps: Step[] = []
  for (const rate of rates) {
    steps.push(
      stepOf(rate, await bench.offer({ rate: { perSecond: rate, seconds }, what: `${style}, ${rate}/s` })),
    )
    if (judgeSteps(steps, bend).gaveWay !== null) break
    // The next step begins with nothing left of this one.
    await bench.watch.settled(60_000)
  }
  const guarantees = await bench.watch.card()
  const ledger = await bench.ledger({ settleMs: 60_000 })
  return { part, style, steps, judged: judgeSteps(steps, bend), guarantees, ledger }
}

/** A later step that the generator could not offer only ends the steps; everything is held against the first one. */
function doubtsAboutReference({ style, steps: [first], judged }: Knee): string[] {
  if (!first) return [`${style}: nothing was offered`]
  const what = `${style} at ${first.rate}/s`
  if (!first.is_valid) return doubtsAboutLoad(what, first.result)
  const bends = `${what}: the lowest rate bends already, so there is nothing to hold the others against`
  return judged.knee === null ? [bends] : []
}

function wordsFor(step: Step, { bends_at, gaveWay }: Judged): string {
  const { rate, is_valid, tries, achieved_per_second, not_accepted, not_completed } = step
  const tried = tries === 1 ? '' : `, at try ${tries}`
  if (!is_valid)
    return `not measured: the generator fell behind (${achieved_per_second.toFixed(1)}/s sent${tried})`
  if (rate !== bends_at) return `is carried${tried}`
  const missing = [
    ...(not_accepted > 0 ? [`${not_accepted} not accepted`] : []),
    ...(not_completed > 0 ? [`${not_completed} not done`] : []),
  ]
  return `bends: ${[gaveWay, ...missing].join('; ')}${tried}`
}

/** Only what may be believed is drawn: a step the generator could not offer is not. */
function chartsOf(knees: Knee[]): Chart[] {
  const seriesOf = (yOf: (step: Step) => number | undefined): Series[] =>
    knees.map(({ part, style, steps }) => {
      const valid = steps.filter(({ is_valid }) => is_valid)
      return {
        name: style,
        means: part,
        n: valid.reduce((sum, { completion }) => sum + completion.count, 0),
        points: valid.flatMap((step): Series['points'] => {
          const y = yOf(step)
          return y === undefined ? [] : [[step.rate, y]]
        }),
      }
    })
  const p95Of = (latency: 'acceptance' | 'completion'): Chart => ({
    title: `Knee: p95 of ${latency} by offered rate`,
    x: { label: 'offered', unit: 'orders/s', scale: 'log' },
    y: { label: `p95 of ${latency}`, unit: 'ms', scale: 'log' },
    series: seriesOf((step) => step[latency].p95_us && step[latency].p95_us / 1_000),
    marks: knees.flatMap(({ style, judged: { bends_at, gaveWay } }) =>
      bends_at === null || gaveWay === 'the generator' ? [] : [{ x: bends_at, label: `${style} bends` }],
    ),
  })
  const valid = knees.flatMap(({ steps }) => steps).filter(({ is_valid }) => is_valid)
  const rates = [...new Set(valid.map(({ rate }) => rate))].sort((a, b) => a - b)
  return [
    p95Of('completion'),
    p95Of('acceptance'),
    {
      title: 'Offered against completed',
      x: { label: 'offered', unit: 'orders/s', scale: 'linear' },
      y: { label: 'completed', unit: 'orders/s', scale: 'linear' },
      series: [
        ...seriesOf(({ result }) => Math.round(result.completed_per_second)),
        // What a style that keeps up would complete: the line the others are read against.
        {
          name: 'offered',
          means: 'offered',
          n: valid.reduce((sum, { result }) => sum + result.counts.offered, 0),
          points: rates.map((rate) => [rate, rate]),
        },
      ],
    },
  ]
}

function readingOf(knees: Knee[]): string[] {
  return knees.map(({ style, judged: { knee, bends_at, gaveWay, limits } }) => {
    const limit = `p95 of acceptance up to ${milliseconds(limits.acceptance)} ms, of completion up to ${milliseconds(limits.completion)} ms`
    const carried = knee === null ? 'carries none of the rates' : `carries ${knee} orders/s (${limit})`
    if (gaveWay === null)
      return `${style} ${carried}, the highest rate that was offered: its knee lies above.`
    return gaveWay === 'the generator'
      ? `${style} ${carried}; at ${bends_at} orders/s the generator fell behind, so its knee is not known.`
      : `${style} ${carried}; at ${bends_at} orders/s what gives way is ${gaveWay}.`
  })
}

/** One rate, held for a while. Latencies are from the intended time, in microseconds; absent where samples are too few. */
export type Step = ReturnType<typeof stepOf>

type Offered = Awaited<ReturnType<Awaited<ReturnType<typeof openBench>>['offer']>>

function stepOf(rate: number, load: Offered) {
  const { counts, verdict, achieved_per_second, not_completed, response, completion } = load.result
  return {
    ...load,
    rate,
    achieved_per_second,
    acceptance: summarize(Histogram.from(response.ok)),
    completion: summarize(Histogram.from(completion.reserved)),
    not_accepted: counts.sent - counts.ok,
    not_completed,
    /** Whether the generator kept its schedule: if not, this step says nothing about the part. */
    is_valid: verdict.kept_up,
  }
}

/** What gives way first when more is asked for. */
type GaveWay = 'the generator' | 'refusals' | 'acceptance latency' | 'completion latency: the backlog grows'

type Judged = ReturnType<typeof judgeSteps>

/** What a step is held against. */
interface Bend {
  /** A latency bends when its p95 is above this many times the median of the first step … */
  times: number
  /** … and above this: where a median is a millisecond or two, ten times it is noise of the machine. */
  atLeastMs: number
}

/**
 * The steps up to the first that is not carried. A step is carried when every order is accepted and completed and
 * neither latency bends. A step the generator could not offer is no knee of the part: it only ends what can be said.
 */
export function judgeSteps(steps: Step[], { times, atLeastMs }: Bend) {
  const limitOf = (latency: 'acceptance' | 'completion') =>
    Math.max((steps[0]?.[latency].p50_us ?? 0) * times, atLeastMs * 1_000)
  /** Above these a p95 bends, in microseconds. */
  const limits = { acceptance: limitOf('acceptance'), completion: limitOf('completion') }
  const weakness = steps.map((step) => weaknessOf(step, limits))
  const at = weakness.findIndex((one) => one !== null)
  const carried = at === -1 ? steps : steps.slice(0, at)
  return {
    /** The highest rate that is carried; null when not even the first one is. */
    knee: carried.at(-1)?.rate ?? null,
    /** The rate of the first step that is not carried, and why; null when every step is. */
    bends_at: steps[at]?.rate ?? null,
    gaveWay: weakness[at] ?? null,
    limits,
  }
}

function weaknessOf(step: Step, limits: Record<'acceptance' | 'completion', number>): GaveWay | null {
  if (!step.is_valid) return 'the generator'
  if (step.not_accepted > 0) return 'refusals'
  if ((step.acceptance.p95_us ?? Infinity) > limits.acceptance) return 'acceptance latency'
  const isLate = (step.completion.p95_us ?? Infinity) > limits.completion
  return step.not_completed > 0 || isLate ? 'completion latency: the backlog grows' : null
}
