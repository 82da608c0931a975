import { z } from 'zod'
import type { Table } from '../experiments/experiment.ts'
import { BrokerRecord, Environment } from '../run/schema.ts'

/** Something that must not be. The same rule broken by many cases of a target is one finding. */
export const Finding = z.object({
  target: z.string(),
  rule: z.string(),
  detail: z.string(),
  count: z.int().describe('Cases that broke it; 0 when it is about all of them together'),
  case: z.int().optional().describe('The first such case'),
  kind: z.string().optional().describe('What is odd about that case'),
  repeat: z.string().optional().describe('The smallest request found that repeats it'),
})
export type Finding = z.infer<typeof Finding>

/** What is wrong with a target; without a count it is about all cases together. */
export type Complaint = Omit<Finding, 'target' | 'count'> & { count?: number }

export const findingsOn = (target: string, complaints: Complaint[]): Finding[] =>
  complaints.map((complaint) => ({ target, count: 0, ...complaint }))

export const TargetResult = z.object({
  target: z.string().describe('A route of a service, or a consumer'),
  cases: z.int(),
  outcomes: z.record(z.string(), z.int()).describe('By status, or by what became of a message'),
  kinds: z.record(z.string(), z.int()).describe('By what was odd'),
  seconds: z.number(),
  findings: z.array(Finding),
})
export type TargetResult = z.infer<typeof TargetResult>

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

export const FUZZ_SCHEMA_VERSION = 1

export const PartFuzzed = z.object({
  part: z.string(),
  seconds: z.number(),
  targets: z.array(TargetResult),
})
export type PartFuzzed = z.infer<typeof PartFuzzed>

/** `fuzz.json`. */
export const FuzzResults = z.object({
  schema_version: z.literal(FUZZ_SCHEMA_VERSION),
  bench: z.literal('fuzz'),
  seed: z.int().describe('Makes the same cases again'),
  cases: z.int().describe('Of each route and each consumer'),
  started_at: z.iso.datetime(),
  ended_at: z.iso.datetime(),
  environment: Environment,
  brokers: z.array(BrokerRecord),
  parts: z.array(PartFuzzed),
})
export type FuzzResults = z.infer<typeof FuzzResults>

export const findingsOf = ({ targets }: PartFuzzed) => targets.flatMap(({ findings }) => findings)

export const casesOf = ({ targets }: PartFuzzed): number => targets.reduce((sum, { cases }) => sum + cases, 0)

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
