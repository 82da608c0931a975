import { isTerminal } from '@lab/common/domain/order.ts'
import { z } from 'zod'
import { Anomalies, Anomaly } from './anomaly.ts'
import { checkAll } from './checks.ts'
import { ClientOutcome, type HistoryRecord } from './history.ts'
import { isReserved, type Observed, type Promises } from './observed.ts'
import { OrderTable } from './table.ts'

const LedgerTotals = z.object({
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
type LedgerTotals = z.infer<typeof LedgerTotals>

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

interface History {
  records: Iterable<HistoryRecord> | AsyncIterable<HistoryRecord>
  /** Asked once the records are read; a history kept in memory is complete. */
  isComplete?: () => boolean
}

/**
 * Holds what clients intended against what the services, brokers and stores hold once nothing moves any more. Every
 * source is read once; memory is about 900 bytes an order. Rejects only when a source cannot be read.
 */
export async function compare(
  history: History,
  observed: Observed,
  promises: Promises,
): Promise<LedgerVerdict> {
  const anomalies = new Anomalies()
  const table = new OrderTable(anomalies)
  for await (const record of history.records) table.intend(record)
  for await (const order of observed.orders) table.list(order)
  for await (const decision of observed.decisions ?? []) table.decide(decision)
  for await (const update of observed.updates ?? []) table.show(update)
  for await (const notification of observed.notifications ?? []) table.notify(notification)
  for await (const letter of observed.deadLetters ?? []) table.deadLetter(letter)

  const places = observed.backlog ?? []
  const backlog = places.reduce((sum, { messages }) => sum + messages, 0)
  const isHistoryComplete = history.isComplete?.() ?? true
  checkAll({ table, observed, promises, anomalies, backlog, isHistoryComplete })
  const findings = { totals: totalsOf(table), anomalies: anomalies.all(), backlog: places }
  return judgeLedger(findings, isHistoryComplete)
}

function totalsOf({ rows, repeats, nameless }: OrderTable): LedgerTotals {
  const count = (is: (row: OrderTable['rows'][number]) => boolean) => rows.filter(is).length
  return {
    intended: count(({ intended }) => intended !== undefined),
    outcomes: Object.fromEntries(
      ClientOutcome.options.map((outcome) => [outcome, count((row) => row.intended?.outcome === outcome)]),
    ) as LedgerTotals['outcomes'],
    listed: count(({ listed }) => listed !== undefined),
    reserved: count(({ listed }) => isReserved(listed?.status)),
    failed: count(({ listed }) => listed?.status === 'failed'),
    undecided: count(({ listed }) => listed !== undefined && !isTerminal(listed.status)),
    dead_lettered: nameless.length + count(({ isDeadLettered }) => isDeadLettered),
    notified: count(({ notified }) => notified > 0),
    unknown_found: count(({ intended, listed }) => intended?.outcome === 'unknown' && listed !== undefined),
    repeated_decisions: repeats,
  }
}

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
