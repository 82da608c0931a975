import { isReserved } from '../status.ts'
import type { Case } from './check.ts'

/** Every acknowledged order is at the order service, as it was ordered; a refused one has taken no stock. */
export function checkAcknowledged(subject: Case): void {
  const { table, anomalies } = subject
  for (let row = 0; row < table.size; row++) {
    const outcome = table.outcome.get(row)
    if (outcome === undefined || !table.hasId(row)) continue
    const listed = table.listed.get(row)
    if (listed === undefined) {
      checkMissing(row, subject)
      continue
    }
    const name = table.nameOf(row)
    const [item, quantity] = [table.item.get(row)!, table.quantity.get(row)]
    if (table.listedItem.get(row) !== item || table.listedQuantity.get(row) !== quantity) {
      const there = `${table.listedQuantity.get(row)} ${table.listedItem.get(row)}`
      anomalies.add('altered', name, `${quantity} ${item} were ordered, ${there} is there`)
    }
    // Where the answer told a status, the sequence of statuses says more than that it was a 4xx.
    if (outcome === 'rejected' && table.told.get(row) === undefined && isReserved(listed)) {
      anomalies.add('phantom', name, `it was refused, and is ${listed} all the same`)
    }
  }
}

/** An intended order that the order service does not list: fine, unless it was acknowledged or has moved stock. */
function checkMissing(row: number, { table, anomalies, backlog }: Case): void {
  const outcome = table.outcome.get(row)
  const holdsStock = table.decided.get(row) === 'reserved'
  if (outcome !== 'ok' && !holdsStock) return
  const name = table.nameOf(row)
  const words = outcome === 'ok' ? `#${table.n.get(row)} was acknowledged` : `its outcome was ${outcome}`
  const seen = seenAs(row, table)
  if (outcome === 'rejected') anomalies.add('phantom', name, 'it was refused, and inventory reserved it')
  else if (backlog > 0)
    anomalies.add('stuck', name, `${words}, not listed yet; ${backlog} messages still wait`)
  else if (seen)
    anomalies.add('unknown to the service', name, `${words} and ${seen}, but it is not in GET /orders`)
  else anomalies.add('lost', name, `${words}, and it is nowhere`)
}

function seenAs(row: number, table: Case['table']): string | undefined {
  if (table.notified.get(row) > 0) return 'notified'
  if (table.deadLettered.get(row) > 0) return 'dead-lettered'
  return table.decided.get(row) ?? table.shown.get(row)
}
