import { isReserved } from '../ledger/status.ts'
import { milliseconds } from '../load/latency.ts'
import { atSeconds, timeChart } from './curves.ts'
import type { Chart, Series, Table } from './experiment.ts'
import { STYLE } from './offered-load.ts'
import { describeAnswers, type OutageFigures } from './outage-figures.ts'
import type { PartOutage, Traced } from './outage-run.ts'

type Seen = PartOutage & { figures: OutageFigures }

const ms = (value: number | null) => (value === null ? 'n/a' : milliseconds(value * 1_000))

export const tablesOf = (outages: Seen[]): Table[] => [answerTable(outages), returnTable(outages)]

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

export const chartsOf = (outages: Seen[]): Chart[] => [
  timeChart({
    title: 'Backlog over time',
    y: { label: 'waiting for inventory', unit: 'orders' },
    series: outages.map(({ part, samples, counts }) => ({
      name: `${STYLE[part]}: ${counts}`,
      n: samples.length,
      step: true,
      points: samples.map(({ atMs, waiting }): [number, number] => [atSeconds(atMs), waiting]),
    })),
    marks: faultsOf(outages[0]!),
  }),
  timeChart({
    title: 'Latency over time: the slowest reserved order of each quarter second, by the time it was sent',
    y: { label: 'from sending to reserved', unit: 'ms', scale: 'log' },
    series: outages.map(({ part, orders }) => ({
      name: STYLE[part],
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

function slowest(orders: Traced[]): [number, number][] {
  const buckets = Map.groupBy(
    orders.filter(({ ended }) => isReserved(ended)),
    ({ sentMs }) => Math.floor(sentMs / BUCKET_MS) * BUCKET_MS,
  )
  return [...buckets].map(([at, group]) => [
    atSeconds(at),
    Math.max(...group.map(({ doneMs = 0, sentMs }) => Math.max(0.01, doneMs - sentMs))),
  ])
}

function answersOverTime({ load: { result } }: Seen): Series[] {
  const perSecond = 1_000 / result.interval_ms
  return (['ok', 'rejected', 'failed', 'unknown'] as const)
    .filter((outcome) => outcome === 'ok' || result.counts[outcome] > 0)
    .map((outcome) => ({
      name: outcome,
      n: result.counts[outcome],
      step: true,
      points:
        result.counts[outcome] === 0
          ? []
          : result.intervals.map((each): [number, number] => [
              atSeconds(each.at_ms),
              each[outcome] * perSecond,
            ]),
    }))
}

export function readingOf(outages: Seen[]): string[] {
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
