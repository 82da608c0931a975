import { z } from 'zod'
import { Anomaly } from './anomaly.ts'
import { ClientOutcome } from './history.ts'

export const LedgerTotals = z.object({
  intended: z.int().min(0),
  outcomes: z.record(ClientOutcome, z.int().min(0)),
  /** Orders the order service lists. */
  listed: z.int().min(0),
  reserved: z.int().min(0),
  failed: z.int().min(0),
  undecided: z.int().min(0),
  dead_lettered: z.int().min(0),
  notified: z.int().min(0),
  /** Orders without an answer that are there, as far as their ids are known. */
  unknown_found: z.int().min(0),
  /** Decisions delivered again without effect. */
  repeated_decisions: z.int().min(0),
})
export type LedgerTotals = z.infer<typeof LedgerTotals>

/**
 * `balanced`: every order is accounted for. `unbalanced`: an invariant is broken. `did not drain`: nothing is broken yet,
 * but orders or messages still wait. `incomplete`: the history was cut off, so nobody can say.
 */
export const LedgerVerdict = z.object({
  verdict: z.enum(['balanced', 'unbalanced', 'did not drain', 'incomplete']),
  /** Why, in words with numbers; empty when balanced. */
  reasons: z.array(z.string()),
  totals: LedgerTotals,
  anomalies: z.array(Anomaly),
  backlog: z.array(z.object({ place: z.string(), messages: z.int().min(0) })),
})
export type LedgerVerdict = z.infer<typeof LedgerVerdict>

type Findings = Pick<LedgerVerdict, 'totals' | 'anomalies' | 'backlog'>

/** What is broken weighs more than what is unfinished: a run that did not drain can still have lost an order. */
export function judgeLedger(findings: Findings, isHistoryComplete: boolean): LedgerVerdict {
  const broken = findings.anomalies.filter(({ type }) => type !== 'stuck')
  const stuck = findings.anomalies.filter(({ type }) => type === 'stuck')
  const waiting = findings.backlog.filter(({ messages }) => messages > 0)
  const reasons = [
    ...broken.map(inWords),
    ...(isHistoryComplete ? [] : ['the history of what was sent is not complete']),
    ...stuck.map(inWords),
    ...waiting.map(({ place, messages }) => `${messages} messages wait in ${place}`),
  ]
  return { verdict: kindOf(), reasons, ...findings }

  function kindOf(): LedgerVerdict['verdict'] {
    if (broken.length > 0) return 'unbalanced'
    if (!isHistoryComplete) return 'incomplete'
    return stuck.length + waiting.length > 0 ? 'did not drain' : 'balanced'
  }
}

const inWords = ({ type, count, orders: [first] }: Anomaly): string => {
  const example = first ? `: ${first.order}, ${first.detail}` : ''
  return `${type}: ${count} ${count === 1 ? 'time' : 'times'}${example}${count > 1 ? ', and more' : ''}`
}
