import type { ExperimentRecord, Results } from './results.ts'

/**
 * Whether figures may be believed, which is another question than whether a check holds.
 *
 * - `broken`        a check did not hold: the figures are real, and what they show is "no".
 * - `not measured`  no check is wrong, but the load was not the one that was planned.
 * - INVALID         the figures themselves are in doubt: a check that voids them did not hold (orders are missing from
 *                   them or in them twice), or the experiment did not come to its end.
 *
 * Figures in doubt are not published: the report gives the reason in place of the charts.
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
