import type { Table } from '../experiments/experiment.ts'
import { type ExperimentRecord, type Results, Verdict } from './results.ts'
import { keyFigures, VERDICTS } from './verdict.ts'

/** One row an experiment: what became of it, in how long, and the figures that decided it. */
export function summaryTable({ experiments, profile }: Results): Table {
  return {
    title: `What was found (profile ${profile})`,
    columns: ['verdict', 'experiment', 's', 'figures'],
    rows: experiments.map((record) => [
      record.verdict,
      record.name,
      record.duration_seconds.toFixed(1),
      keyFigures(record),
    ]),
  }
}

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
