import { milliseconds } from '../load/latency.ts'
import type { Knee, Params } from './compare-knee.ts'
import type { Chart, Series, Table } from './experiment.ts'
import type { Judged, Step } from './knee-steps.ts'
import { STYLE } from './offered-load.ts'

const cell = (us: number | undefined, { count }: { count: number }) =>
  us === undefined ? `n/a (n=${count})` : milliseconds(us)

export const tablesOf = (knees: Knee[], { bend, secondsPerStep, warmUpOrders }: Params): Table[] => [
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
  cell(acceptance.p50_us, acceptance),
  cell(acceptance.p95_us, acceptance),
  cell(completion.p50_us, completion),
  cell(completion.p95_us, completion),
]

function wordsFor(step: Step, { bends_at, gaveWay }: Judged): string {
  const { rate, is_valid, tries, achieved_per_second, not_accepted, not_completed } = step
  const tried = tries === 1 ? '' : `, at try ${tries}`
  if (!is_valid)
    return `INVALID: the generator fell behind (${achieved_per_second.toFixed(1)}/s sent${tried})`
  if (rate !== bends_at) return `is carried${tried}`
  const missing = [
    ...(not_accepted > 0 ? [`${not_accepted} not accepted`] : []),
    ...(not_completed > 0 ? [`${not_completed} not done`] : []),
  ]
  return `bends: ${[gaveWay, ...missing].join('; ')}${tried}`
}

/** Only what may be believed is drawn: a step the generator could not offer is not. */
export const chartsOf = (knees: Knee[]): Chart[] => [
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
        series(STYLE[part], steps, ({ rate, result }) => [rate, Math.round(result.completed_per_second)]),
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
    series(STYLE[part], steps, (step) => {
      const us = of(step).p95_us
      return us === undefined ? undefined : [step.rate, us / 1_000]
    }),
  ),
  marks: knees.flatMap(({ part, judged: { bends_at, gaveWay } }) =>
    bends_at === null || gaveWay === 'the generator' ? [] : [{ x: bends_at, label: `${STYLE[part]} bends` }],
  ),
})

function series(name: string, steps: Step[], pointOf: (step: Step) => [number, number] | undefined): Series {
  const valid = steps.filter(({ is_valid }) => is_valid)
  const n = valid.reduce((sum, { completion }) => sum + completion.count, 0)
  return {
    name,
    n,
    points: valid.flatMap((step) => {
      const point = pointOf(step)
      return point ? [point] : []
    }),
  }
}

export function readingOf(knees: Knee[], { rates }: Params): string[] {
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
