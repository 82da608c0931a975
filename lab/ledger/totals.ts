import { isTerminal } from '@lab/common/domain/order.ts'
import { ClientOutcome } from './history.ts'
import type { OrderTable } from './order-table.ts'
import { isReserved } from './status.ts'
import type { LedgerTotals } from './verdict.ts'

export function totalsOf(table: OrderTable): LedgerTotals {
  const outcomes = Object.fromEntries(
    ClientOutcome.options.map((outcome) => [outcome, 0]),
  ) as LedgerTotals['outcomes']
  const totals: LedgerTotals = {
    intended: 0,
    outcomes,
    listed: 0,
    reserved: 0,
    failed: 0,
    undecided: 0,
    dead_lettered: 0,
    notified: 0,
    unknown_found: 0,
    repeated_decisions: table.repeats,
  }
  for (let row = 0; row < table.size; row++) {
    const outcome = table.outcome.get(row)
    const listed = table.listed.get(row)
    totals.intended += Number(outcome !== undefined)
    if (outcome) outcomes[outcome]++
    totals.listed += Number(listed !== undefined)
    totals.reserved += Number(isReserved(listed))
    totals.failed += Number(listed === 'failed')
    totals.undecided += Number(listed !== undefined && !isTerminal(listed))
    totals.dead_lettered += table.deadLettered.get(row)
    totals.notified += Number(table.notified.get(row) > 0)
    totals.unknown_found += Number(outcome === 'unknown' && listed !== undefined)
  }
  totals.dead_lettered += table.deadLettersWithoutOrderCount
  return totals
}
