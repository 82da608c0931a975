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
    columns: [
      'style',
      'offered/s',
      'sent/s',
      'acceptance p50 ms',
      'p95 ms',
      'completion p50 ms',
      'p95 ms',
      'p99 ms',
      'not accepted',
      'tries',
      'the step',
    ],
    rows: knees.flatMap(({ part, steps, judged }) =>
      steps.map((step) => [
        STYLE[part],
        step.rate,
        step.achieved_per_second.toFixed(1),
        ...(step.is_valid ? figuresOf(step) : ['–', '–', '–', '–', '–', '–']),
        step.tries,
        wordsFor(step, judged),
      ]),
    ),
  },
]

const figuresOf = ({ acceptance, completion, not_accepted }: Step) => [
  cell(acceptance.p50_us, acceptance),
  cell(acceptance.p95_us, acceptance),
  cell(completion.p50_us, completion),
  cell(completion.p95_us, completion),
  cell(completion.p99_us, completion),
  not_accepted,
]

function wordsFor({ rate, is_valid }: Step, { bends_at, gaveWay }: Judged): string {
  if (!is_valid) return 'INVALID: the generator fell behind'
  return rate === bends_at ? `bends: ${gaveWay}` : 'is carried'
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
    series: knees.map(({ part, steps }) =>
      series(STYLE[part], steps, ({ rate, result }) => [rate, Math.round(result.completed_per_second)]),
    ),
  },
]

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
