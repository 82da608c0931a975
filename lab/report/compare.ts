import { isDeepStrictEqual } from 'node:util'
import { STYLE } from '../parts/index.ts'
import type { Chart, ExperimentRecord, Results, Table } from '../run/schema.ts'
import { doubtsAbout, wordOf } from '../run/verdict.ts'
import { formatNumber } from './number.ts'

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

/** Fewer repetitions do not show how far a figure moves by itself. */
const LEAST_RUNS = 3

/** In the order of what they tell. */
const JUDGEMENTS = {
  exceeds: 'exceeds the run-to-run range',
  within: 'within the run-to-run range',
  few: `cannot tell: fewer than ${LEAST_RUNS} repetitions`,
  once: 'cannot tell: measured once in each run',
  equal: 'equal',
} as const
export type Judgement = keyof typeof JUDGEMENTS

/**
 * Whether two figures differ by more than each of them moves by itself: the ranges of their repetitions do not touch.
 * One measurement in each run cannot tell a change from the noise of the machine.
 */
export function judge(a: Figure, b: Figure): Judgement {
  if (!a.range || !b.range) return a.value === b.value ? 'equal' : 'once'
  const known = [a.range.runs, b.range.runs].filter((runs) => runs !== undefined)
  if (known.some((runs) => runs < LEAST_RUNS)) return 'few'
  return a.range.max < b.range.min || b.range.max < a.range.min ? 'exceeds' : 'within'
}

/** The charts that both runs have, with the curves of both; a chart of one run only has nothing to be compared with. */
function overlay(a: Chart[], b: Chart[]): Chart[] {
  return a.flatMap((left) => {
    const right = b.find((one) => one.title === left.title && isSameAxes(one, left))
    return right ? [together(left, right)] : []
  })
}

const isSameAxes = (a: Chart, b: Chart): boolean => isDeepStrictEqual([a.x, a.y], [b.x, b.y])

function together(a: Chart, b: Chart): Chart {
  const of = (run: string, { series }: Chart) =>
    series.map((one) => ({ ...one, name: `${run}: ${one.name}` }))
  return { ...a, series: [...of('A', a), ...of('B', b)], marks: marksOf(a, b) }
}

function marksOf({ marks: a = [] }: Chart, { marks: b = [] }: Chart): NonNullable<Chart['marks']> {
  if (isDeepStrictEqual(a, b)) return a
  const of = (run: string, marks: typeof a) => marks.map(({ x, label }) => ({ x, label: `${run}: ${label}` }))
  return [...of('A', a), ...of('B', b)]
}

/** A figure of one run: measured once, or several times within the run, which tells how far it moves by itself. */
export interface Figure {
  /** What it is and its unit, in the words of the report, e.g. `1000 orders, p50 ms`. */
  name: string
  /** What was measured; of a repeated one the median. */
  value: number
  /** Lowest and highest of the repetitions. */
  range?: { min: number; max: number; runs: number | undefined }
}

/** Longer lists are samples and curves: those are compared as charts. */
const LONGEST_LIST = 6

/** Every figure in the data of an experiment, those that were repeated first. */
export function figuresOf(data: unknown): Figure[] {
  const figures = collect(data, [])
  return [...figures.filter(({ range }) => range), ...figures.filter(({ range }) => !range)]
}

function collect(value: unknown, path: string[]): Figure[] {
  if (typeof value === 'number') {
    const { name, factor } = nameOf(path)
    return [{ name, value: value * factor }]
  }
  if (Array.isArray(value)) return value.length > LONGEST_LIST ? [] : collectList(value, path)
  if (typeof value !== 'object' || value === null || 'hdr' in value) return []
  const repeated = rangeOf(value as Record<string, unknown>, path)
  if (repeated) return [repeated]
  return Object.entries(value).flatMap(([key, one]) => collect(one, [...path, key]))
}

/** What tells an element from the others stands in its name, and is no figure. */
function collectList(list: unknown[], path: string[]): Figure[] {
  const parent = path.slice(0, -1)
  return list.flatMap((element, at) => {
    const { name, told } = nameOfElement(element, path.at(-1) ?? '', at)
    if (typeof element !== 'object' || element === null || Array.isArray(element)) {
      return collect(element, [...parent, name])
    }
    const rest = Object.entries(element).filter(([key]) => !told.includes(key))
    return collect(Object.fromEntries(rest), [...parent, name])
  })
}

/** Repetitions are written down as `{ median, min, max, runs }`, with or without the values themselves. */
function rangeOf(
  { median, min, max, runs, n, values }: Record<string, unknown>,
  path: string[],
): Figure | undefined {
  if (typeof median !== 'number' || typeof min !== 'number' || typeof max !== 'number') return undefined
  const listed = Array.isArray(values) ? values.length : undefined
  const counts = [runs, n, listed].find((count) => typeof count === 'number')
  const { name, factor } = nameOf(path)
  return { name, value: median * factor, range: { min: min * factor, max: max * factor, runs: counts } }
}

/** Data keep units in their names; people read them as the report's tables have them. */
const UNITS: [suffix: RegExp, unit: string, factor: number][] = [
  [/_us$/, ' ms', 1 / 1_000],
  [/_ms$/, ' ms', 1],
  [/(_|^)seconds$/, ' s', 1],
  [/_per_second$/, '/s', 1],
  [/_per_minute$/, '/min', 1],
  [/_bytes$/, ' MB', 1 / 1e6],
]

/** Said in another way in the tables; '' stands for nothing that a reader needs. */
const WORDS: Record<string, string> = {
  acceptance: 'accepted',
  completion: 'done',
  outcomes: 'answers',
  statuses: 'answers',
  few_samples: '',
}

/** The name of the figure at this path, and what its value is multiplied by to have the unit in the name. */
export function nameOf(path: string[]): { name: string; factor: number } {
  const [suffix, unit, factor] = UNITS.find(([ending]) => ending.test(path.at(-1) ?? '')) ?? [/$^/, '', 1]
  const last = (path.at(-1) ?? '').replace(suffix, '')
  const name = [...path.slice(0, -1), last]
    .map(inWords)
    .filter((words) => words !== '')
    .join(', ')
  return { name: `${name}${unit}`.trim(), factor }
}

/** What tells an element of a list from the others, and the keys that say so. */
function nameOfElement(element: unknown, list: string, at: number): { name: string; told: string[] } {
  const found = typeof element === 'object' && element !== null ? Object.entries(element) : []
  const told = found.filter(([key, value]) => TELLING[key]?.(value) !== undefined)
  if (told.length === 0) return { name: `${inWords(list).replace(/s$/, '')} ${at + 1}`, told: [] }
  return { name: told.map(([key, value]) => TELLING[key]!(value)).join(' '), told: told.map(([key]) => key) }
}

const word = (value: unknown) => (typeof value === 'string' ? inWords(value) : undefined)
const number = (text: (value: number) => string) => (value: unknown) =>
  typeof value === 'number' ? text(value) : undefined

const TELLING: Record<string, (value: unknown) => string | undefined> = {
  part: word,
  style: word,
  phase: word,
  name: word,
  what: word,
  fault: word,
  rate: number((rate) => `at ${rate}/s`),
  repetition: number((turn) => `run ${turn + 1}`),
  orders: number((count) => `${count} orders`),
  count: number((count) => `${count} orders`),
}

/** `sync-rest_acceptance_at_50` is `HTTP accepted at 50/s`, `whileStopped` is `while stopped`. */
function inWords(key: string): string {
  if (WORDS[key] !== undefined) return WORDS[key]
  const styled = Object.entries(STYLE).reduce((text, [part, style]) => text.replace(part, style), key)
  return styled
    .replace(/_at_(\d+)$/, '_at_$1/s')
    .replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before}_${after.toLowerCase()}`)
    .split('_')
    .map((one) => WORDS[one] ?? one)
    .join(' ')
}
