import type { Table } from '../experiments/experiment.ts'
import type { Finding } from './finding.ts'
import { findingsOf, type PartFuzzed } from './results.ts'

/** A row for each route and each consumer: what became of its cases. */
export const fuzzTable = ({ part, targets }: PartFuzzed): Table => ({
  title: `${part}: what became of the cases`,
  columns: ['target', 'cases', '/s', 'outcomes', 'findings'],
  rows: targets.map(({ target, cases, seconds, outcomes, findings }) => [
    target,
    cases,
    Math.round(cases / Math.max(seconds, 0.001)),
    Object.entries(outcomes)
      .sort(([, a], [, b]) => b - a)
      .map(([outcome, count]) => `${count} × ${outcome}`)
      .join(', '),
    findings.length,
  ]),
})

/** Each finding with what repeats it: the case by its numbers, and the smallest request or message that was found. */
export function findingLines(fuzzed: PartFuzzed, seed: number): string[] {
  return findingsOf(fuzzed).map((finding) => describe(fuzzed.part, finding, seed))
}

function describe(
  part: string,
  { target, rule, detail, count, case: at, kind, repeat }: Finding,
  seed: number,
): string {
  const options = `--part ${part} --seed ${seed} --target '${target}'`
  const again = at === undefined ? options : `${options} --case ${at}`
  return [
    `FINDING  ${target}: ${rule}${count === 0 ? '' : ` (${count} cases; the first is ${at}: ${kind})`}`,
    ...(detail === '' ? [] : [`  seen:   ${detail}`]),
    ...(repeat === undefined ? [] : [`  least:  ${repeat}`]),
    `  repeat: npm run bench -- fuzz ${again}`,
  ].join('\n')
}
