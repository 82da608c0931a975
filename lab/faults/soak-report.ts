import { atSeconds, timeChart } from '../experiments/curves.ts'
import { type Chart, type Check, check, type Table } from '../experiments/experiment.ts'
import { STYLE } from '../experiments/offered-load.ts'
import { ledgerCheck } from '../experiments/part-ledger.ts'
import { lossesOf, seconds } from './judge.ts'
import { describeStatuses } from './matrix-tables.ts'
import type { SoakRun } from './soak.ts'
import { boundsOf, type Trend } from './soak-bounds.ts'
import type { SoakStrike } from './soak-strikes.ts'

const MB = 1_048_576

export const soakChecks = (run: SoakRun): Check[] => {
  const style = STYLE[run.part]
  const late = run.strikes.filter(({ recoveryMs, limitMs }) => (recoveryMs ?? Infinity) > limitMs)
  const worst = run.strikes.toSorted((a, b) => (b.recoveryMs ?? Infinity) - (a.recoveryMs ?? Infinity))[0]
  return [
    ledgerCheck(` (${style}): nothing is lost, doubled or stuck`, run.ledger),
    check(
      `${style}: works again in time after every fault`,
      run.strikes.length > 0 && late.length === 0,
      `${run.strikes.length} faults${worst ? `, the slowest return after ${worst.fault}: ${strikeIn(worst)}` : ''}${late.length > 0 ? `; late: ${late.map((each) => `${each.fault} ${strikeIn(each)}`).join(', ')}` : ''}`,
    ),
    ...boundsOf(run).map((trend) =>
      check(`${style}: ${trend.what} stays bounded`, trend.holds, inWords(trend)),
    ),
  ]
}

const strikeIn = ({ recoveryMs, limitMs, error }: SoakStrike) =>
  error ?? `${recoveryMs === undefined ? 'never' : seconds(recoveryMs)} (limit ${seconds(limitMs)})`

const inWords = ({ first, last, limit, unit }: Trend) =>
  `median of the first third ${round(first)}${unit}, of the last third ${round(last)}${unit}, limit ${round(limit)}${unit}`

const round = (value: number) => (Number.isFinite(value) ? Math.round(value * 10) / 10 : 'n/a')

export const soakTables = (runs: SoakRun[]): Table[] => [
  ordersTable(runs),
  boundsTable(runs),
  ...runs.map(strikesTable),
]

const ordersTable = (runs: SoakRun[]): Table => ({
  title: 'A soak under faults: every order held against the ledger',
  columns: ['style', 'orders', 'minutes', 'faults', 'clients heard', 'lost', 'doubled', 'stuck', 'ledger'],
  rows: runs.map(({ part, ledger, seconds: lasted, strikes }) => {
    const { lost, doubled, stuck } = lossesOf(ledger)
    const { outcomes, intended } = ledger.totals
    const heard = Object.fromEntries(Object.entries(outcomes).filter(([, count]) => count > 0))
    const minutes = (lasted / 60).toFixed(1)
    const row = [STYLE[part], intended, minutes, strikes.length, describeStatuses(heard)]
    return [...row, lost, doubled, stuck, ledger.verdict]
  }),
})

const boundsTable = (runs: SoakRun[]): Table => ({
  title: 'What a part occupies: medians of the first and of the last third of the soak',
  columns: ['style', 'what', 'unit', 'first third', 'last third', 'limit', 'bounded'],
  rows: runs.flatMap((run) =>
    boundsOf(run).map(({ what, unit, first, last, limit, holds }) => [
      STYLE[run.part],
      what,
      unit.trim(),
      round(first),
      round(last),
      round(limit),
      holds ? 'yes' : 'NO',
    ]),
  ),
})

const strikesTable = ({ part, strikes }: SoakRun): Table => ({
  title: `Faults of the soak: ${STYLE[part]}`,
  columns: ['fault', 'times', 'recovery, median', 'recovery, longest', 'limit'],
  rows: [...Map.groupBy(strikes, ({ fault }) => fault)]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([fault, group]) => {
      const took = group.map(({ recoveryMs = Infinity }) => recoveryMs).sort((a, b) => a - b)
      const at = (index: number) => (took[index] === Infinity ? 'never' : seconds(took[index]!))
      return [fault, group.length, at(took.length >> 1), at(took.length - 1), seconds(group[0]!.limitMs)]
    }),
})

export const soakCharts = (runs: SoakRun[]): Chart[] =>
  runs.flatMap((run) => [
    timeChart({
      title: `Memory of the services under faults: ${STYLE[run.part]}`,
      y: { label: 'resident memory', unit: 'MB' },
      series: [...new Set(run.samples.flatMap(({ rssBytes }) => Object.keys(rssBytes)))].map((name) => {
        const known = run.samples.filter(({ rssBytes }) => rssBytes[name] !== undefined)
        return {
          name,
          n: known.length,
          points: known.map(({ atMs, rssBytes }): [number, number] => [
            atSeconds(atMs),
            rssBytes[name]! / MB,
          ]),
        }
      }),
    }),
    timeChart({
      title: `What waits under faults: ${STYLE[run.part]}`,
      y: { label: 'waiting', unit: 'orders' },
      series: [waitingSeries(run)],
    }),
  ])

function waitingSeries({ samples }: SoakRun) {
  const points = samples.flatMap(({ atMs, waiting }): [number, number][] =>
    waiting === undefined ? [] : [[atSeconds(atMs), waiting]],
  )
  return { name: 'orders or messages', n: points.length, step: true, points }
}
