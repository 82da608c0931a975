import type { Table } from '../run/schema.ts'

/** Something that must not be. The same rule broken by many cases of a target is one finding. */
export interface Finding {
  target: string
  rule: string
  detail: string
  /** Cases that broke it; 0 when it is about all of them together. */
  count: number
  /** The first such case, and what is odd about it. */
  case?: number
  kind?: string
  /** The smallest request found that repeats it. */
  repeat?: string
}

/** What is wrong with a target; without a count it is about all cases together. */
export type Complaint = Omit<Finding, 'target' | 'count'> & { count?: number }

export const findingsOn = (target: string, complaints: Complaint[]): Finding[] =>
  complaints.map((complaint) => ({ target, count: 0, ...complaint }))

export interface TargetResult {
  /** A route of a service, or a consumer. */
  target: string
  cases: number
  /** By status, or by what became of a message. */
  outcomes: Record<string, number>
  /** By what was odd. */
  kinds: Record<string, number>
  seconds: number
  findings: Finding[]
}

/** Counts under names. */
export class Tally {
  readonly counts: Record<string, number> = {}

  add(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1
  }
}

/** What a kind is counted as: without the words that differ from case to case. */
export const headOf = (kind: string): string =>
  kind.replace(/^(header|content-type|method|raw): .*/, '$1').slice(0, 40)

/** A row for each route and each consumer: what became of its cases. */
export const fuzzTable = (part: string, targets: TargetResult[]): Table => ({
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

/** A finding with what repeats it: the case by its numbers, and the smallest request or message that was found. */
export function describeFinding(
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
