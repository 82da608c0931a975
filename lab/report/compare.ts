import { isDeepStrictEqual } from 'node:util'
import { tableOf } from '../experiments/experiment.ts'
import { differ, type Repeated, spread } from '../experiments/repeated.ts'
import type { Chart, ExperimentRecord, Results, Table } from '../run/schema.ts'
import { doubtsAbout, wordOf } from '../run/verdict.ts'
import { figures as charted } from './figure.ts'
import { document, html, htmlTable } from './markup.ts'
import { counted, formatNumber } from './number.ts'

/** Two runs side by side. They are called A and B; what each is stands in the notes. */
export interface Comparison {
  /** What the runs are, where they differ in more than their figures, and what was found. */
  notes: string[]
  verdicts: Table
  experiments: { name: string; figures: Table; left: number; charts: Chart[] }[]
}

interface Row {
  figure: string
  a: Figure
  b: Figure
  judgement: keyof typeof JUDGEMENTS
}

export function compareRuns(a: Results, b: Results): Comparison {
  const pairs = a.experiments.flatMap((left) => {
    const right = b.experiments.find(({ name }) => name === left.name)
    return right ? [{ name: left.name, left, right, obstacle: obstacleTo(left, right) }] : []
  })
  const compared = pairs
    .filter(({ obstacle }) => obstacle === undefined)
    .map((pair) => ({ ...pair, rows: rowsOf(pair.left.data, pair.right.data) }))
  return {
    notes: [
      `A: ${describe(a)}`,
      `B: ${describe(b)}`,
      ...conditions(a, b),
      ...pairs.flatMap(({ obstacle }) => obstacle ?? []),
      conclusion(
        compared.flatMap(({ name, rows }) =>
          rows.map((row) => ({ ...row, figure: `${name} ${row.figure}` })),
        ),
      ),
    ],
    verdicts: verdictTable(a, b),
    experiments: compared.map(({ name, left, right, rows }) => ({
      name,
      ...figureTable(name, rows),
      charts: overlay(left.charts ?? [], right.charts ?? []),
    })),
  }
}

const describe = ({ run, profile, environment: { git_commit, git_dirty } }: Results): string => {
  const commit = git_commit === undefined ? '' : `, commit ${git_commit.slice(0, 12)}`
  return `run ${run}, profile ${profile}${commit}${git_dirty ? ' with changes' : ''}`
}

type Named = Record<string, unknown>

/** What two records have not in common, with both values. */
function differences(a: Named, b: Named, text: (value: unknown) => unknown): string {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return names
    .filter((name) => !isDeepStrictEqual(a[name], b[name]))
    .map((name) => `${name} ${text(a[name])} and ${text(b[name])}`)
    .join('; ')
}

/** What else could be the cause of a difference. */
function conditions(a: Results, b: Results): string[] {
  if (a.run === b.run && a.started_at === b.started_at) return ['Both are the same run.']
  const of = ({ environment: { git_commit, git_dirty, ...machine }, brokers }: Results): Named => ({
    ...machine,
    ...Object.fromEntries(brokers.map(({ kind, version, origin }) => [kind, `${version} (${origin})`])),
  })
  const differing = differences(of(a), of(b), (value) => value ?? 'none')
  return differing === '' ? [] : [`The runs were made under other conditions: ${differing}.`]
}

/** Why the figures of two records must not be put side by side. */
function obstacleTo(a: ExperimentRecord, b: ExperimentRecord): string | undefined {
  for (const [run, record] of [['A', a] as const, ['B', b] as const]) {
    const [doubt] = doubtsAbout(record)
    if (doubt !== undefined)
      return `${a.name} is not compared: in ${run} it is INVALID, ${doubt.split('\n')[0]}.`
  }
  const differing = differences(a.params, b.params, JSON.stringify)
  return differing === '' ? undefined : `${a.name} is not compared: its parameters differ (${differing}).`
}

function rowsOf(a: unknown, b: unknown): Row[] {
  const others = new Map(figuresOf(b).map((figure) => [figure.name, figure]))
  return figuresOf(a).flatMap((figure) => {
    const other = others.get(figure.name)
    return other ? [{ figure: figure.name, a: figure, b: other, judgement: judge(figure, other) }] : []
  })
}

function conclusion(rows: Row[]): string {
  if (rows.length === 0) return 'The runs have no figure in common.'
  const repeated = rows.filter(({ judgement }) => judgement === 'exceeds' || judgement === 'within')
  if (repeated.length === 0)
    return 'No figure was repeated within the runs: one measurement each cannot tell a change from noise.'
  const beyond = repeated.filter(({ judgement }) => judgement === 'exceeds')
  if (beyond.length === 0)
    return `None of ${repeated.length} repeated figures differs by more than its run-to-run range.`
  const named = beyond.map((row) => `${row.figure} ${changeOf(row)}`).join('; ')
  return `${beyond.length} of ${repeated.length} repeated figures differ by more than their run-to-run range: ${named}.`
}

function verdictTable(a: Results, b: Results): Table {
  const names = [...new Set([...a.experiments, ...b.experiments].map(({ name }) => name))]
  const word =
    ({ experiments }: Results) =>
    (name: string) => {
      const record = experiments.find((one) => one.name === name)
      return record ? wordOf(record) : 'not run'
    }
  const took =
    ({ experiments }: Results) =>
    (name: string) =>
      experiments.find((one) => one.name === name)?.duration_seconds.toFixed(1) ?? '–'
  return tableOf('Verdicts', names, [
    ['experiment', (name) => name],
    ['A', word(a)],
    ['B', word(b)],
    ['A took s', took(a)],
    ['B took s', took(b)],
  ])
}

const MOST_ROWS = 16

/** What tells most comes first, so repeated figures; all of these are shown, of the others the first ones. */
function figureTable(name: string, rows: Row[]): { figures: Table; left: number } {
  const order = Object.keys(JUDGEMENTS)
  const shown = rows
    .toSorted((a, b) => order.indexOf(a.judgement) - order.indexOf(b.judgement))
    .filter(({ a }, at) => a.range || at < MOST_ROWS)
  const figures = tableOf(name, shown, [
    ['figure', ({ figure }) => figure],
    ['A', ({ a }) => cell(a)],
    ['B', ({ b }) => cell(b)],
    ['B against A', changeOf],
    ['the difference', ({ judgement }) => JUDGEMENTS[judgement]],
  ])
  return { figures, left: rows.length - shown.length }
}

const cell = ({ value, range }: Figure): string => (range ? spread(range, formatNumber) : formatNumber(value))

function changeOf({ a: { value: a }, b: { value: b } }: Row): string {
  if (a === b) return '±0 %'
  if (a === 0) return 'from 0'
  const percent = ((b - a) / Math.abs(a)) * 100
  return `${percent > 0 ? '+' : '−'}${formatNumber(Number(Math.abs(percent).toPrecision(2)))} %`
}

/** In the order of what they tell. */
const JUDGEMENTS = {
  exceeds: 'exceeds the run-to-run range',
  within: 'within the run-to-run range',
  few: 'cannot tell: fewer than 3 repetitions',
  once: 'cannot tell: measured once in each run',
  equal: 'equal',
} as const

/** Whether two figures differ by more than each of them moves by itself; one measurement in each run cannot tell. */
function judge(a: Figure, b: Figure): Row['judgement'] {
  if (!a.range || !b.range) return a.value === b.value ? 'equal' : 'once'
  const isApart = differ(a.range, b.range)
  if (isApart === undefined) return 'few'
  return isApart ? 'exceeds' : 'within'
}

/** The charts that both runs have, with the curves of both; a chart of one run only has nothing to be compared with. */
function overlay(a: Chart[], b: Chart[]): Chart[] {
  return a.flatMap((left) => {
    const right = b.find((one) => isDeepStrictEqual([one.title, one.x, one.y], [left.title, left.x, left.y]))
    if (!right) return []
    const series = (run: string, chart: Chart) =>
      chart.series.map((one) => ({ ...one, name: `${run}: ${one.name}` }))
    const marks = (run: string, chart: Chart) =>
      (chart.marks ?? []).map(({ x, label }) => ({ x, label: `${run}: ${label}` }))
    const isSame = isDeepStrictEqual(left.marks, right.marks)
    return {
      ...left,
      series: [...series('A', left), ...series('B', right)],
      marks: isSame ? (left.marks ?? []) : [...marks('A', left), ...marks('B', right)],
    }
  })
}

/** A figure of one run: measured once, or several times within the run, which tells how far it moves by itself. */
interface Figure {
  name: string
  /** What was measured; of a repeated one the median. */
  value: number
  range?: Repeated
}

/** Longer lists are samples and curves: those are compared as charts. */
const LONGEST_LIST = 6

/** A figure is called by its place in the data, which carries the unit: `rounds[1].p50_us`. */
function figuresOf(value: unknown, name = ''): Figure[] {
  if (typeof value === 'number') return [{ name, value }]
  if (Array.isArray(value)) {
    if (value.length > LONGEST_LIST) return []
    return value.flatMap((element, at) => figuresOf(element, `${name}[${at}]`))
  }
  if (typeof value !== 'object' || value === null) return []
  if (isRepeated(value)) return [{ name, value: value.median, range: value }]
  return Object.entries(value).flatMap(([key, one]) => figuresOf(one, name === '' ? key : `${name}.${key}`))
}

const isRepeated = (value: object): value is Repeated =>
  ['median', 'min', 'max', 'runs'].every((key) => typeof (value as Named)[key] === 'number')

/** Two runs as one HTML file: what differs, and the curves of both in the same pictures. */
export function comparisonPage({ notes, verdicts, experiments }: Comparison): string {
  const main = html`<header><h1>Messaging lab: two runs compared</h1>
<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul></header>
<main id="main">
<section aria-labelledby="verdicts"><h2 id="verdicts">Verdicts</h2>${htmlTable(verdicts)}</section>
<section aria-labelledby="figures"><h2 id="figures">Figures</h2>
${experiments.map(
  (
    { name, figures, left, charts },
    at,
  ) => html`<article class="experiment" aria-labelledby="experiment-${at}">
<h3 id="experiment-${at}">${name}</h3>
${charted(charts, `compared-${at}`, { points: 120, rows: 16, sizes: ['wide', 'narrow'] })}
${htmlTable(figures)}${left > 0 && html`<p class="note">${counted(left, 'figure')} more in the results of the runs.</p>`}</article>`,
)}</section>
</main>`
  return document({ title: 'Messaging lab: two runs compared', main })
}
