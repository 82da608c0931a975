import { isTerminal } from '@lab/common/domain/order.ts'
import { isReachable, isReserved } from '../status.ts'
import type { Case } from './check.ts'

/** Every order reaches a terminal status, and every source tells a story that goes one way. */
export function checkStatuses({ table, anomalies }: Case): void {
  for (let row = 0; row < table.size; row++) {
    const listed = table.listed.get(row)
    if (listed === undefined) continue
    const name = table.nameOf(row)

    // A dead letter says why its order went no further.
    if (!isTerminal(listed) && !table.deadLettered.get(row))
      anomalies.add('stuck', name, `it is still ${listed}`)

    const told = table.told.get(row)
    if (told !== undefined && !isReachable(told, listed)) {
      anomalies.add('status backwards', name, `the client was told ${told}, and it is ${listed}`)
    }
    const shown = table.shown.get(row)
    if (shown !== undefined && !isReachable(shown, listed)) {
      anomalies.add('status backwards', name, `it was shown ${shown}, and it is ${listed}`)
    }
    const decided = table.decided.get(row)
    if (decided !== undefined && isTerminal(listed) && isReserved(listed) !== (decided === 'reserved')) {
      anomalies.add('contradicted', name, `inventory decided ${decided}, and it is ${listed}`)
    }
  }
}
