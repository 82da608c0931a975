import { isDeepStrictEqual } from 'node:util'
import type { Table } from '../../experiments/experiment.ts'
import type { Chart } from '../chart.ts'
import { formatNumber } from '../number.ts'
import type { ExperimentRecord, Results } from '../results.ts'
import { doubtsAbout } from '../validity.ts'
import { wordOf } from '../verdict.ts'
import { type Figure, figuresOf } from './figures.ts'
import { JUDGEMENTS, type Judgement, judge } from './judge.ts'
import { overlay } from './overlay.ts'

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
  judgement: Judgement
}

export function compareRuns(a: Results, b: Results): Comparison {
  const pairs = a.experiments.flatMap((left) => {
    const right = b.experiments.find(({ name }) => name === left.name)
    return right ? [{ left, right }] : []
  })
  const comparable = pairs.filter(({ left, right }) => obstacle(left, right) === undefined)
  const compared = comparable.map(({ left, right }) => ({
    name: left.name,
    left,
    right,
    rows: rowsOf(left, right),
  }))
  const rows = compared.flatMap(({ name, rows: found }) => found.map((row) => ({ name, ...row })))
  return {
    notes: [
      `A: ${describe(a)}`,
      `B: ${describe(b)}`,
      ...conditions(a, b),
      ...pairs.flatMap(({ left, right }) => obstacle(left, right) ?? []),
      ...conclusion(rows),
    ],
    verdicts: verdictTable(a, b),
    experiments: compared.map(({ name, left, right, rows: found }) => ({
      name,
      ...figureTable(name, found),
      charts: overlay(left.charts ?? [], right.charts ?? []),
    })),
  }
}

const describe = ({ run, profile, environment: { git_commit, git_dirty } }: Results): string => {
  const commit = git_commit === undefined ? '' : `, commit ${git_commit.slice(0, 12)}`
  return `run ${run}, profile ${profile}${commit}${git_dirty ? ' with changes' : ''}`
}

/** What else could be the cause of a difference. */
function conditions(a: Results, b: Results): string[] {
  if (a.run === b.run && a.started_at === b.started_at) return ['Both are the same run.']
  const of = ({ environment: { git_commit, git_dirty, ...machine }, brokers }: Results) => ({
    ...machine,
    ...Object.fromEntries(brokers.map(({ kind, version, origin }) => [kind, `${version} (${origin})`])),
  })
  const [left, right]: Record<string, unknown>[] = [of(a), of(b)]
  const names = [...new Set([...Object.keys(left!), ...Object.keys(right!)])]
  const differing = names
    .filter((name) => !isDeepStrictEqual(left![name], right![name]))
    .map((name) => `${name} ${left![name] ?? 'none'} and ${right![name] ?? 'none'}`)
  return differing.length === 0 ? [] : [`The runs were made under other conditions: ${differing.join('; ')}.`]
}

/** Why the figures of two records must not be put side by side. */
function obstacle(a: ExperimentRecord, b: ExperimentRecord): string | undefined {
  const [doubtA, doubtB] = [doubtsAbout(a)[0], doubtsAbout(b)[0]]
  const doubt =
    doubtA === undefined ? doubtB && `in B it is INVALID, ${doubtB}` : `in A it is INVALID, ${doubtA}`
  if (doubt !== undefined) return `${a.name} is not compared: ${doubt.split('\n')[0]}.`
  if (isDeepStrictEqual(a.params, b.params)) return undefined
  const names = [...new Set([...Object.keys(a.params), ...Object.keys(b.params)])]
  const differing = names
    .filter((name) => !isDeepStrictEqual(a.params[name], b.params[name]))
    .map((name) => `${name} ${JSON.stringify(a.params[name])} and ${JSON.stringify(b.params[name])}`)
  return `${a.name} is not compared: its parameters differ (${differing.join('; ')}).`
}

function rowsOf(a: ExperimentRecord, b: ExperimentRecord): Row[] {
  const others = new Map(figuresOf(b.data).map((figure) => [figure.name, figure]))
  return figuresOf(a.data).flatMap((figure) => {
    const other = others.get(figure.name)
    return other ? [{ figure: figure.name, a: figure, b: other, judgement: judge(figure, other) }] : []
  })
}

function conclusion(rows: (Row & { name: string })[]): string[] {
  if (rows.length === 0) return ['The runs have no figure in common.']
  const repeated = rows.filter(({ judgement }) => judgement === 'exceeds' || judgement === 'within')
  if (repeated.length === 0) {
    return ['No figure was repeated within the runs: one measurement each cannot tell a change from noise.']
  }
  const beyond = repeated.filter(({ judgement }) => judgement === 'exceeds')
  if (beyond.length === 0)
    return [`None of ${repeated.length} repeated figures differs by more than its run-to-run range.`]
  const named = beyond.map(({ name, figure, a, b }) => `${name} ${figure} ${changeOf(a, b)}`)
  return [
    `${beyond.length} of ${repeated.length} repeated figures differ by more than their run-to-run range: ${named.join('; ')}.`,
  ]
}

function verdictTable(a: Results, b: Results): Table {
  const names = [...new Set([...a.experiments, ...b.experiments].map(({ name }) => name))]
  const find = (results: Results, name: string) => results.experiments.find((record) => record.name === name)
  const word = (record: ExperimentRecord | undefined) => (record ? wordOf(record) : 'not run')
  return {
    title: 'Verdicts',
    columns: ['experiment', 'A', 'B', 'A took s', 'B took s'],
    rows: names.map((name) => {
      const [left, right] = [find(a, name), find(b, name)]
      const took = [left, right].map((record) => record?.duration_seconds.toFixed(1) ?? '–')
      return [name, word(left), word(right), ...took]
    }),
  }
}

const MOST_ROWS = 16

/** What tells most comes first; repeated figures are all shown, of the others the first ones. */
function figureTable(name: string, rows: Row[]): { figures: Table; left: number } {
  const order = Object.keys(JUDGEMENTS)
  const shown = rows
    .toSorted((a, b) => order.indexOf(a.judgement) - order.indexOf(b.judgement))
    .filter(({ a }, at) => a.range || at < MOST_ROWS)
  const figures = {
    title: name,
    columns: ['figure', 'A', 'B', 'B against A', 'the difference'],
    rows: shown.map(({ figure, a, b, judgement }) => [
      figure,
      cell(a),
      cell(b),
      changeOf(a, b),
      JUDGEMENTS[judgement],
    ]),
  }
  return { figures, left: rows.length - shown.length }
}

const cell = ({ value, range }: Figure): string =>
  range
    ? `${formatNumber(value)} (${formatNumber(range.min)}–${formatNumber(range.max)})`
    : formatNumber(value)

function changeOf({ value: a }: Figure, { value: b }: Figure): string {
  if (a === b) return '±0 %'
  if (a === 0) return 'from 0'
  const percent = ((b - a) / Math.abs(a)) * 100
  return `${percent > 0 ? '+' : '−'}${formatNumber(Number(Math.abs(percent).toPrecision(2)))} %`
}
