import type { HistoryRecord } from '../ledger/history.ts'
import { Histogram, milliseconds, type Percentiles, percentilesOf, summaryCell } from '../load/histogram.ts'
import type { OpenLoopResult } from '../load/result.ts'
import { mostOrders, type Rate } from '../load/schedule.ts'
import { guaranteeCard } from '../part.ts'
import { openPartClient } from '../parts/client.ts'
import { STYLE, watchPart } from '../parts/index.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { stockEnv, stockFor, TRIOS, type TrioName } from '../trio.ts'
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
import { doubtsAboutLoad, offerPunctually, type PunctualLoad, TRIES, warmUp } from './offered-load.ts'

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
  const knees: Knee[] = []
  for (const part of TRIOS) knees.push(await kneeOf(context, part))
  return {
    checks: knees.flatMap(checksOf),
    tables: [
      guaranteeCard(knees.map(({ part, guarantees }) => ({ name: STYLE[part], guarantees }))),
      ...tablesOf(knees, context.params),
    ],
    charts: chartsOf(knees),
    reading: readingOf(knees, context.params),
    invalid: knees.flatMap(doubtsAboutReference),
    data: Object.fromEntries(
      knees.map(({ part, steps, judged }) => [
        part,
        { ...judged, steps: steps.map(({ result: _, history: __, histories: ___, ...figures }) => figures) },
      ]),
    ),
  }
}

async function kneeOf(context: ExperimentContext<Params>, name: TrioName) {
  const { params, signal } = context
  const planOf = (perSecond: number): Rate => ({ perSecond, seconds: params.secondsPerStep })
  const initial = stockFor(params.warmUpOrders + TRIES * mostOrders(params.rates.map(planOf)))
  const part = await context.startPart(name, { durable: true, env: stockEnv(initial) })
  try {
    await using client = openPartClient(part, signal)
    await using watch = await watchPart({ part, client, signal })
    const warm = await warmUp(client, { ...context, count: params.warmUpOrders, what: STYLE[name] })
    const steps: Step[] = []
    const histories: (string | HistoryRecord[])[] = [warm]
    for (const rate of params.rates) {
      const load = await offerPunctually(context, part, {
        rate: planOf(rate),
        what: `${STYLE[name]}, ${rate}/s`,
      })
      steps.push(stepOf(rate, load))
      histories.push(...load.histories)
      if (judgeSteps(steps, params.bend).gaveWay !== null) break
      // The next step begins with nothing left of this one.
      await watch.settled(60_000)
    }
    const guarantees = await watch.card()
    const ledger = await ledgerOf(part, { histories, initial, settleMs: 60_000, signal })
    return { part: name, steps, judged: judgeSteps(steps, params.bend), guarantees, ledger }
  } finally {
    await part.close()
  }
}

/** A later step that the generator could not offer only ends the steps; everything is held against the first one. */
function doubtsAboutReference({ part, steps: [first], judged }: Knee): string[] {
  if (!first) return [`${STYLE[part]}: nothing was offered`]
  if (!first.is_valid) return doubtsAboutLoad(`${STYLE[part]} at ${first.rate}/s`, first.result)
  if (judged.knee !== null) return []
  return [
    `${STYLE[part]} at ${first.rate}/s: the lowest rate bends already, so there is nothing to hold the others against`,
  ]
}

const checksOf = ({ part, steps, ledger }: Knee): Check[] => [
  check(
    `${STYLE[part]}: every order of the lowest rate is accepted and done`,
    steps[0]?.not_accepted === 0 && steps[0].not_completed === 0,
    `${steps[0]?.not_accepted} not accepted, ${steps[0]?.not_completed} not done, of ${steps[0]?.result.counts.sent}`,
  ),
  ledgerCheck(` (${STYLE[part]})`, ledger),
]

const tablesOf = (knees: Knee[], { bend, secondsPerStep, warmUpOrders }: Params): Table[] => [
  {
    title: `Steps of ${secondsPerStep} s, after ${warmUpOrders} orders to warm up; a step bends with a p95 above ${bend.times} times the first step's median and ${bend.atLeastMs} ms`,
    columns: ['style', 'offered/s', 'accepted p50 ms', 'p95 ms', 'done p50 ms', 'p95 ms', 'the step'],
    rows: knees.flatMap(({ part, steps, judged }) =>
      steps.map((step) => [
        STYLE[part],
        step.rate,
        ...(step.is_valid ? figuresOf(step) : ['–', '–', '–', '–']),
        wordsFor(step, judged),
      ]),
    ),
  },
]

const figuresOf = ({ acceptance, completion }: Step) => [
  summaryCell(acceptance, 'p50_us'),
  summaryCell(acceptance, 'p95_us'),
  summaryCell(completion, 'p50_us'),
  summaryCell(completion, 'p95_us'),
]

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
const chartsOf = (knees: Knee[]): Chart[] => [
  chart(
    'Knee: p95 of completion by offered rate',
    'p95 of completion',
    knees,
    ({ completion }) => completion,
  ),
  chart(
    'Knee: p95 of acceptance by offered rate',
    'p95 of acceptance',
    knees,
    ({ acceptance }) => acceptance,
  ),
  {
    title: 'Offered against completed',
    x: { label: 'offered', unit: 'orders/s', scale: 'linear' },
    y: { label: 'completed', unit: 'orders/s', scale: 'linear' },
    series: [
      ...knees.map(({ part, steps }) =>
        series(part, steps, ({ rate, result }) => [rate, Math.round(result.completed_per_second)]),
      ),
      offeredTo(knees),
    ],
  },
]

/** What a style that keeps up would complete: the line the others are read against. */
function offeredTo(knees: Knee[]): Series {
  const steps = knees.flatMap((knee) => knee.steps).filter(({ is_valid }) => is_valid)
  const rates = [...new Set(steps.map(({ rate }) => rate))].sort((a, b) => a - b)
  return {
    name: 'offered',
    means: 'offered',
    n: steps.reduce((sum, { result }) => sum + result.counts.offered, 0),
    points: rates.map((rate) => [rate, rate]),
  }
}

const chart = (
  title: string,
  label: string,
  knees: Knee[],
  of: (step: Step) => Step['completion'],
): Chart => ({
  title,
  x: { label: 'offered', unit: 'orders/s', scale: 'log' },
  y: { label, unit: 'ms', scale: 'log' },
  series: knees.map(({ part, steps }) =>
    series(part, steps, (step) => {
      const us = of(step).p95_us
      return us === undefined ? undefined : [step.rate, us / 1_000]
    }),
  ),
  marks: knees.flatMap(({ part, judged: { bends_at, gaveWay } }) =>
    bends_at === null || gaveWay === 'the generator' ? [] : [{ x: bends_at, label: `${STYLE[part]} bends` }],
  ),
})

function series(
  part: TrioName,
  steps: Step[],
  pointOf: (step: Step) => [number, number] | undefined,
): Series {
  const valid = steps.filter(({ is_valid }) => is_valid)
  const n = valid.reduce((sum, { completion }) => sum + completion.count, 0)
  return {
    name: STYLE[part],
    means: part,
    n,
    points: valid.flatMap((step) => {
      const point = pointOf(step)
      return point ? [point] : []
    }),
  }
}

function readingOf(knees: Knee[], { rates }: Params): string[] {
  const said = knees.map(({ part, judged: { knee, bends_at, gaveWay, limits } }) => {
    const limit = `p95 of acceptance up to ${milliseconds(limits.acceptance)} ms, of completion up to ${milliseconds(limits.completion)} ms`
    const carried = knee === null ? 'carries none of the rates' : `carries ${knee} orders/s (${limit})`
    if (gaveWay === null)
      return `${STYLE[part]} ${carried}, the highest rate that was offered: its knee lies above.`
    if (gaveWay === 'the generator') {
      return `${STYLE[part]} ${carried}; at ${bends_at} orders/s the generator fell behind, so its knee is not known.`
    }
    return `${STYLE[part]} ${carried}; at ${bends_at} orders/s what gives way is ${gaveWay}.`
  })
  const known = knees.filter(({ judged }) => judged.gaveWay !== null && judged.gaveWay !== 'the generator')
  const rank = known.toSorted((a, b) => (b.judged.knee ?? 0) - (a.judged.knee ?? 0))
  const [best, worst] = [rank[0], rank.at(-1)]
  const compared =
    best && worst && best !== worst && best.judged.knee !== worst.judged.knee
      ? [
          `Of the knees that were found (steps up to ${Math.max(...rates)} orders/s), that of ${STYLE[best.part]} is the highest and that of ${STYLE[worst.part]} the lowest.`,
        ]
      : []
  return [...said, ...compared]
}

/** One rate, held for a while. Latencies are from the intended time, in microseconds; absent where samples are too few. */
export interface Step extends PunctualLoad {
  rate: number
  achieved_per_second: number
  acceptance: StepLatency
  completion: StepLatency
  not_accepted: number
  not_completed: number
  /** Whether the generator kept its schedule: if not, this step says nothing about the part. */
  is_valid: boolean
}

export interface StepLatency extends Percentiles {
  count: number
}

/** What gives way first when more is asked for. */
type GaveWay = 'the generator' | 'refusals' | 'acceptance latency' | 'completion latency: the backlog grows'

interface Judged {
  /** The highest rate that is carried; null when not even the first one is. */
  knee: number | null
  /** The rate of the first step that is not carried, and why; null when every step is. */
  bends_at: number | null
  gaveWay: GaveWay | null
  /** Above these a p95 bends, in microseconds. */
  limits: Limits
}

interface Limits {
  acceptance: number
  completion: number
}

function stepOf(rate: number, load: PunctualLoad): Step {
  const { result } = load
  const { counts, verdict, achieved_per_second, not_completed } = result
  return {
    ...load,
    rate,
    achieved_per_second,
    acceptance: latencyOf(result.response.ok),
    completion: latencyOf(result.completion.reserved),
    not_accepted: counts.sent - counts.ok,
    not_completed,
    is_valid: verdict.kept_up,
  }
}

function latencyOf(serialized: OpenLoopResult['response']['ok']): StepLatency {
  const histogram = Histogram.from(serialized)
  return {
    count: histogram.count,
    ...percentilesOf(histogram.count, (share) => histogram.nearestRank(share)!),
  }
}

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
export function judgeSteps(steps: Step[], { times, atLeastMs }: Bend): Judged {
  const first = steps[0]
  const limits: Limits = {
    acceptance: Math.max((first?.acceptance.p50_us ?? 0) * times, atLeastMs * 1_000),
    completion: Math.max((first?.completion.p50_us ?? 0) * times, atLeastMs * 1_000),
  }
  let knee: number | null = null
  for (const step of steps) {
    const gaveWay = weaknessOf(step, limits)
    if (gaveWay) return { knee, bends_at: step.rate, gaveWay, limits }
    knee = step.rate
  }
  return { knee, bends_at: null, gaveWay: null, limits }
}

function weaknessOf(step: Step, limits: Limits): GaveWay | null {
  if (!step.is_valid) return 'the generator'
  if (step.not_accepted > 0) return 'refusals'
  if ((step.acceptance.p95_us ?? Infinity) > limits.acceptance) return 'acceptance latency'
  if (step.not_completed > 0 || (step.completion.p95_us ?? Infinity) > limits.completion) {
    return 'completion latency: the backlog grows'
  }
  return null
}
