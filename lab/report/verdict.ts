import { styleText } from 'node:util'
import type { Check } from '../experiments/experiment.ts'
import type { ExperimentRecord, Verdict } from './results.ts'

interface Judged {
  checks: readonly Pick<Check, 'holds'>[]
  invalid?: string[] | undefined
}

/** An experiment that checked nothing has shown nothing, and one whose figures may not be believed neither. */
export const verdictOf = ({ checks, invalid = [] }: Judged): Verdict =>
  checks.length > 0 && checks.every(({ holds }) => holds) && invalid.length === 0 ? 'holds' : 'broken'

const COLOUR = {
  holds: 'green',
  broken: 'red',
  error: 'red',
  interrupted: 'yellow',
} as const satisfies Record<Verdict, string>

/** One line in plain words, e.g. `holds  rest-baseline  every order is answered 201: 200 × 201`. */
export const verdictLine = (record: ExperimentRecord, stream?: NodeJS.WritableStream): string =>
  `${paint(record.verdict, stream)}  ${record.name}  ${keyFigures(record)}`

/** Under the line: each check that does not hold, with what was seen instead, and why a run ended early. */
export function verdictDetails(record: ExperimentRecord): string[] {
  const failed = record.checks.filter(({ holds }) => !holds)
  const error = record.error === undefined ? [] : [`  ${record.error.replaceAll('\n', '\n  ')}`]
  return [...failed.map(({ name, detail }) => `  does not hold: ${name}: ${detail}`), ...error]
}

/**
 * What was seen, in one line: why the figures may not be believed, else the check that decides, the first that does not
 * hold or the first of all.
 */
export function keyFigures({ checks, verdict, error, invalid = [] }: ExperimentRecord): string {
  const failed = checks.filter(({ holds }) => !holds)
  const voiding = failed.find(({ voids }) => voids)
  const decisive = voiding ?? failed[0] ?? checks[0]
  if (verdict === 'interrupted') return 'stopped before its end'
  if (verdict === 'error') return error?.split('\n')[0] ?? 'failed'
  if (invalid[0] !== undefined) return `INVALID: ${invalid[0]}`
  const said = decisive ? `${decisive.name}: ${decisive.detail}` : 'nothing was checked'
  return voiding ? `INVALID: ${said}` : said
}

function paint(verdict: Verdict, stream: NodeJS.WritableStream | undefined): string {
  return stream ? styleText(COLOUR[verdict], verdict, { stream }) : verdict
}
