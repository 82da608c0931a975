import { styleText } from 'node:util'
import { tableOf } from '../experiments/experiment.ts'
import { type ExperimentRecord, type Results, type Table, Verdict } from './schema.ts'

interface Judged {
  checks: readonly { holds: boolean; voids?: true | undefined }[]
  invalid?: string[] | undefined
}

/**
 * Every verdict, in the words of a tally and the tone of a report:
 *
 * - `holds`         everything it had to show was seen
 * - `broken`        something it checked does not hold
 * - `not measured`  nothing it checked is wrong, but the load was not the one that was planned, as on a busy machine: it
 *                   says nothing about what it would have shown
 * - `error`         it could not be run to its end
 * - `interrupted`   it was stopped
 */
export const VERDICTS = {
  holds: { tally: 'hold', tone: 'good', colour: 'green' },
  broken: { tally: 'broken', tone: 'bad', colour: 'red' },
  'not measured': { tally: 'not measured', tone: 'warn', colour: 'yellow' },
  error: { tally: 'could not be run', tone: 'bad', colour: 'red' },
  interrupted: { tally: 'interrupted', tone: 'warn', colour: 'yellow' },
} as const satisfies Record<Verdict, { tally: string; tone: string; colour: string }>

/**
 * An experiment that checked nothing has shown nothing. Where the machine did not let it offer what it planned, nothing
 * was measured, and what its checks saw is no fault of what was to be measured; an order that is missing always is.
 */
export function verdictOf({ checks, invalid = [] }: Judged): Verdict {
  if (checks.length === 0 || checks.some(({ holds, voids }) => voids && !holds)) return 'broken'
  if (invalid.length > 0) return 'not measured'
  return checks.every(({ holds }) => holds) ? 'holds' : 'broken'
}

/** The word of an experiment: its verdict, or that its figures may not be believed. */
export function wordOf(record: ExperimentRecord): Verdict | 'INVALID' {
  if (record.verdict === 'not measured') return record.verdict
  return doubtsAbout(record).length > 0 ? 'INVALID' : record.verdict
}

/** The exit code of a run: 0 when every verdict holds, 3 when the only thing wrong is that some were not measured. */
export function exitCodeOf(verdicts: readonly Verdict[]): 0 | 1 | 3 {
  if (verdicts.some((verdict) => verdict !== 'holds' && verdict !== 'not measured')) return 1
  return verdicts.includes('not measured') ? 3 : 0
}

/** One line in plain words, e.g. `holds  rest-baseline  every order is answered 201: 200 × 201`. */
export function verdictLine(record: ExperimentRecord, stream?: NodeJS.WritableStream): string {
  const { verdict, name } = record
  const word = stream ? styleText(VERDICTS[verdict].colour, verdict, { stream }) : verdict
  return `${word}  ${name}  ${keyFigures(record)}`
}

/** Under the line: each check that does not hold, with what was seen instead, and why a run ended early. */
export function verdictDetails(record: ExperimentRecord): string[] {
  const failed = record.checks.filter(({ holds }) => !holds)
  const earlier = (record.earlier_attempt ?? [])
    .slice(0, 1)
    .map((why) => `  at the second attempt; the first: ${why}`)
  const error = record.error === undefined ? [] : [`  ${record.error.replaceAll('\n', '\n  ')}`]
  return [...failed.map(({ name, detail }) => `  does not hold: ${name}: ${detail}`), ...earlier, ...error]
}

/** What was seen, in one line: why the figures may not be believed, or the check that decides. */
export function keyFigures(record: ExperimentRecord): string {
  const { checks, verdict, error, invalid = [] } = record
  const failed = checks.filter(({ holds }) => !holds)
  const voiding = failed.find(({ voids }) => voids)
  const decisive = voiding ?? failed[0] ?? checks[0]
  if (verdict === 'interrupted') return 'stopped before its end'
  if (verdict === 'error') return error?.split('\n')[0] ?? 'failed'
  if (verdict === 'not measured') return invalid[0] ?? verdict
  if (invalid[0] !== undefined) return `INVALID: ${invalid[0]}`
  const said = decisive ? `${decisive.name}: ${decisive.detail}` : 'nothing was checked'
  return voiding ? `INVALID: ${said}` : said
}

/**
 * Whether figures may be believed is another question than whether a check holds: a broken check's figures are real, and what
 * they show is "no". Figures are INVALID when a check that voids them did not hold, or when there is no end to them; the
 * report then gives the reason in place of the charts.
 */
export interface Doubt {
  /** Absent when the doubt is about the run as a whole. */
  experiment?: string
  reason: string
}

/** Why the figures of an experiment may not be believed; empty when they may. */
export function doubtsAbout({ verdict, error, invalid = [], checks }: ExperimentRecord): string[] {
  if (verdict === 'interrupted') return ['it was stopped before its end']
  if (verdict === 'error') return [`it could not be run to its end: ${error ?? 'no reason was recorded'}`]
  const voiding = checks.filter(({ holds, voids }) => voids && !holds)
  return [
    ...invalid,
    ...voiding.map(({ name, detail }) => `does not hold: ${name}: ${detail}`),
    ...(checks.length === 0 ? ['it checked nothing'] : []),
  ]
}

/** Every doubt of a run; none means that its figures may be believed. */
export function doubtsAboutRun(results: Results): Doubt[] {
  return [
    ...endOf(results).map((reason) => ({ reason })),
    ...results.experiments.flatMap((record) =>
      doubtsAbout(record).map((reason) => ({ experiment: record.name, reason })),
    ),
  ]
}

/** Why figures that are right say less than they seem to; undefined when there is no such reason. */
export function limitOf({ params: { repetitions } }: ExperimentRecord): string | undefined {
  const isFew = typeof repetitions === 'number' && repetitions < 3
  return isFew ? 'fewer than three runs each cannot tell a difference from noise' : undefined
}

/** The experiments whose figures may be shown. */
export const believable = ({ experiments }: Results): ExperimentRecord[] =>
  experiments.filter((record) => doubtsAbout(record).length === 0)

/** What was planned and is not there: a comparison in which one side is missing is none. */
function endOf({ ended_at, planned, experiments }: Results): string[] {
  const missing = planned.filter((name) => !experiments.some((record) => record.name === name))
  const names = missing.length === 0 ? '' : `: ${missing.join(', ')} did not run`
  if (planned.length === 0) return ['no experiment was planned']
  if (ended_at === undefined) return [`the run has no end; it was killed, or goes on${names}`]
  return missing.length === 0 ? [] : [`the run is not complete${names}`]
}

/** One row an experiment: what became of it, in how long, and the figures that decided it. */
export const summaryTable = ({ experiments, profile }: Results): Table =>
  tableOf(`What was found (profile ${profile})`, experiments, [
    ['verdict', ({ verdict }) => verdict],
    ['experiment', ({ name }) => name],
    ['s', ({ duration_seconds }) => duration_seconds.toFixed(1)],
    ['figures', keyFigures],
  ])

/** e.g. `7 of 9 hold; 1 broken, 1 not run`. */
export function tally({ planned, experiments }: Results): string {
  const count = (verdict: ExperimentRecord['verdict']) =>
    experiments.filter((record) => record.verdict === verdict).length
  const others = [
    ...Verdict.options
      .filter((one) => one !== 'holds')
      .map((one) => [count(one), VERDICTS[one].tally] as const),
    [planned.length - experiments.length, 'not started'] as const,
  ]
  const rest = others.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`)
  const hold = `${count('holds')} of ${planned.length} hold`
  return rest.length === 0 ? hold : `${hold}; ${rest.join(', ')}`
}
