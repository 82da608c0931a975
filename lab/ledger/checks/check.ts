import type { Anomalies } from '../anomaly.ts'
import type { Observed, Promises } from '../observed.ts'
import type { OrderTable } from '../order-table.ts'

/** What every check looks at. Checks only read the table and add what they find. */
export interface Case {
  table: OrderTable
  observed: Pick<Observed, 'stock' | 'notifications' | 'plantedDeadLetters' | 'deadLetters'>
  promises: Promises
  anomalies: Anomalies
  /** Messages that still wait somewhere: what is missing may be among them. */
  backlog: number
  /** Whether every order that was sent has its record. */
  isHistoryComplete: boolean
}
