import { isReserved } from '../status.ts'
import type { Case } from './check.ts'

/** Each reserved order is notified exactly once in effect, where that is promised; no other order ever is. */
export function checkNotifications({ table, observed, promises, anomalies, backlog }: Case): void {
  if (!observed.notifications) return
  for (let row = 0; row < table.size; row++) {
    const times = table.notified.get(row)
    const listed = table.listed.get(row)
    const name = table.nameOf(row)
    if (times > 1) anomalies.add('notified twice', name, `it was notified ${times} times`)
    if (times > 0) {
      const isRefused = listed === undefined && table.outcome.get(row) === 'rejected'
      if (isRefused) anomalies.add('notified unreserved', name, 'it was refused')
      if (listed === 'failed') anomalies.add('notified unreserved', name, 'it is failed')
      continue
    }
    const isDue = listed === 'notified' || (promises.notifies === 'always' && isReserved(listed))
    if (!isDue) continue
    if (backlog > 0)
      anomalies.add('stuck', name, `it is ${listed} and not notified; ${backlog} messages still wait`)
    else anomalies.add('reserved not notified', name, `it is ${listed}, and there is no notification`)
  }
}
