import { Anomalies } from './anomaly.ts'
import { checkAcknowledged } from './checks/acknowledged.ts'
import type { Case } from './checks/check.ts'
import { checkNotifications } from './checks/notifications.ts'
import { checkOrderPerKey } from './checks/order-per-key.ts'
import { checkPhantoms } from './checks/phantoms.ts'
import { checkStatuses } from './checks/statuses.ts'
import { checkStock } from './checks/stock.ts'
import type { HistoryRecord } from './history.ts'
import { openHistoryFile } from './history-file.ts'
import type { Observed, Promises } from './observed.ts'
import { OrderTable } from './order-table.ts'
import { totalsOf } from './totals.ts'
import { judgeLedger, type LedgerVerdict } from './verdict.ts'

export interface History {
  records: Iterable<HistoryRecord> | AsyncIterable<HistoryRecord>
  /** Asked once the records are read; a history kept in memory is complete. */
  isComplete?: () => boolean
}

const checks = [
  checkAcknowledged,
  checkPhantoms,
  checkStatuses,
  checkStock,
  checkNotifications,
  checkOrderPerKey,
]

/**
 * Holds what clients intended against what the services, brokers and stores hold once nothing moves any more. Every
 * source is read once, as a stream; memory is about 200 bytes an order. Rejects only when a source cannot be read.
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

  const backlog = observed.backlog ?? []
  const isHistoryComplete = history.isComplete?.() ?? true
  const waiting = backlog.reduce((sum, { messages }) => sum + messages, 0)
  const subject: Case = { table, observed, promises, anomalies, backlog: waiting, isHistoryComplete }
  for (const check of checks) check(subject)
  return judgeLedger({ totals: totalsOf(table), anomalies: anomalies.all(), backlog }, isHistoryComplete)
}

/** The same for a history that was kept as a file, so that a run can be checked again. */
export const checkHistoryFile = (
  path: string,
  observed: Observed,
  promises: Promises,
): Promise<LedgerVerdict> => compare(openHistoryFile(path), observed, promises)
