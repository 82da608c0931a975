import { z } from 'zod'

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
