import { styleText } from 'node:util'
import type { ExperimentRecord, Verdict } from './results.ts'
import { doubtsAbout } from './validity.ts'

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
export const verdictLine = (record: ExperimentRecord, stream?: NodeJS.WritableStream): string =>
  `${paint(record.verdict, stream)}  ${record.name}  ${keyFigures(record)}`

/** Under the line: each check that does not hold, with what was seen instead, and why a run ended early. */
export function verdictDetails(record: ExperimentRecord): string[] {
  const failed = record.checks.filter(({ holds }) => !holds)
  const earlier = (record.earlier_attempt ?? [])
    .slice(0, 1)
    .map((why) => `  at the second attempt; the first: ${why}`)
  const error = record.error === undefined ? [] : [`  ${record.error.replaceAll('\n', '\n  ')}`]
  return [...failed.map(({ name, detail }) => `  does not hold: ${name}: ${detail}`), ...earlier, ...error]
}

/**
 * What was seen, in one line: why the figures may not be believed, else the check that decides, the first that does not
 * hold or the first of all.
 */
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

function paint(verdict: Verdict, stream: NodeJS.WritableStream | undefined): string {
  return stream ? styleText(VERDICTS[verdict].colour, verdict, { stream }) : verdict
}
