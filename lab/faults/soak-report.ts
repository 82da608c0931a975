import { atSeconds, timeChart } from '../experiments/curves.ts'
import { type Chart, type Check, check, type Series, type Table } from '../experiments/experiment.ts'
import { STYLE } from '../parts/index.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { lossesOf, seconds } from './judge.ts'
import { describeStatuses } from './matrix-tables.ts'
import type { SoakRun } from './soak.ts'
import { boundsOf, type Trend } from './soak-bounds.ts'
import type { SoakInjection } from './soak-injections.ts'

const MB = 1_048_576

export const soakChecks = (run: SoakRun): Check[] => {
  const style = STYLE[run.part]
  const late = run.injections.filter(({ recoveryMs, limitMs }) => (recoveryMs ?? Infinity) > limitMs)
  const worst = run.injections.toSorted((a, b) => (b.recoveryMs ?? Infinity) - (a.recoveryMs ?? Infinity))[0]
  return [
    ledgerCheck(` (${style}): nothing is lost, doubled or stuck`, run.ledger),
    check(
      `${style}: works again in time after every fault`,
      run.injections.length > 0 && late.length === 0,
      `${run.injections.length} faults${worst ? `, the slowest return after ${worst.fault}: ${returnIn(worst)}` : ''}${late.length > 0 ? `; late: ${late.map((each) => `${each.fault} ${returnIn(each)}`).join(', ')}` : ''}`,
    ),
    ...boundsOf(run).map((trend) =>
      check(`${style}: ${trend.what} stays bounded`, trend.holds, inWords(trend)),
    ),
  ]
}

const returnIn = ({ recoveryMs, limitMs, error }: SoakInjection) =>
  error ?? `${recoveryMs === undefined ? 'never' : seconds(recoveryMs)} (limit ${seconds(limitMs)})`

const inWords = ({ first, last, limit, unit }: Trend) =>
  `median of the first third ${round(first)}${unit}, of the last third ${round(last)}${unit}, limit ${round(limit)}${unit}`

const round = (value: number) => (Number.isFinite(value) ? Math.round(value * 10) / 10 : 'n/a')

export const soakTables = (runs: SoakRun[]): Table[] => [
  ordersTable(runs),
  boundsTable(runs),
  ...runs.map(injectionsTable),
]

const ordersTable = (runs: SoakRun[]): Table => ({
  title: 'A soak under faults: every order held against the ledger',
  columns: ['style', 'orders', 'minutes', 'faults', 'clients heard', 'lost', 'doubled', 'stuck', 'ledger'],
  rows: runs.map(({ part, ledger, seconds: lasted, injections }) => {
    const { lost, doubled, stuck } = lossesOf(ledger)
    const { outcomes, intended } = ledger.totals
    const heard = Object.fromEntries(Object.entries(outcomes).filter(([, count]) => count > 0))
    const minutes = (lasted / 60).toFixed(1)
    const row = [STYLE[part], intended, minutes, injections.length, describeStatuses(heard)]
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

const injectionsTable = ({ part, injections }: SoakRun): Table => ({
  title: `Faults of the soak: ${STYLE[part]}`,
  columns: ['fault', 'times', 'recovery, median', 'recovery, longest', 'limit'],
  rows: [...Map.groupBy(injections, ({ fault }) => fault)]
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
          means: run.part,
          n: known.length,
          // A service that is down has no memory.
          points: run.samples.map(({ atMs, rssBytes }): [number, number | null] => [
            atSeconds(atMs),
            rssBytes[name] === undefined ? null : rssBytes[name] / MB,
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

function waitingSeries({ part, samples }: SoakRun): Series {
  // Where nothing answered, how many wait is not known.
  const points = samples.map(({ atMs, waiting }): [number, number | null] => [
    atSeconds(atMs),
    waiting ?? null,
  ])
  const n = samples.filter(({ waiting }) => waiting !== undefined).length
  return { name: 'orders or messages', means: part, n, points }
}
