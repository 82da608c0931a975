import { ITEMS, type Item, isTerminal } from '@lab/common/domain/order.ts'
import { NAMED_AT_MOST } from '../anomaly.ts'
import { isReserved } from '../status.ts'
import type { Case } from './check.ts'

/** Initial stock = what is left + what was reserved, for each item, and never more reserved than there was. */
export function checkStock(subject: Case): void {
  if (!subject.observed.stock) return
  for (const item of ITEMS) checkItem(item, subject.observed.stock, subject)
}

function checkItem(item: Item, { initial, left }: Stock, { table, anomalies }: Case): void {
  const rows = rowsOf(item, table)
  const { reserved, open } = sums(rows, table)
  const taken = initial[item] - left[item]
  const pending = open === 0 ? '' : `, ${open} undecided`
  const detail = `${item}: ${initial[item]} at first, ${left[item]} left, ${reserved} reserved${pending}`

  if (left[item] < 0) addAll('negative stock', lastReserved(rows, -left[item], table))
  if (reserved > initial[item]) addAll('oversold', lastReserved(rows, reserved - initial[item], table))

  // An order without a terminal status may hold stock or not.
  const isMissing = taken < reserved
  if (!isMissing && taken <= reserved + open) return
  const suspects = isMissing
    ? lastReserved(rows, reserved - taken, table)
    : rows.filter((row) => !holdsStock(row, table) && table.quantityOf(row) <= taken - reserved)
  anomalies.count('stock not conserved', 1)
  for (const name of namesOf(suspects)) anomalies.name('stock not conserved', name, detail)

  function addAll(type: 'negative stock' | 'oversold', suspects: number[]): void {
    anomalies.count(type, Math.max(1, suspects.length))
    for (const name of namesOf(suspects)) anomalies.name(type, name, detail)
  }

  /** Where no order comes into question, the item is named. */
  function namesOf(suspects: number[]): string[] {
    if (suspects.length === 0) return [item]
    return suspects.slice(0, NAMED_AT_MOST).map((row) => table.nameOf(row))
  }
}

type Stock = NonNullable<Case['observed']['stock']>
type Table = Case['table']

function rowsOf(item: Item, table: Table): number[] {
  const rows: number[] = []
  for (let row = 0; row < table.size; row++) if (table.itemOf(row) === item) rows.push(row)
  return rows
}

function sums(rows: number[], table: Table): { reserved: number; open: number } {
  let reserved = 0
  let open = 0
  for (const row of rows) {
    if (holdsStock(row, table)) reserved += table.quantityOf(row)
    else if (isUndecided(row, table)) open += table.quantityOf(row)
  }
  return { reserved, open }
}

function holdsStock(row: number, table: Table): boolean {
  const listed = table.listed.get(row)
  if (listed !== undefined && isTerminal(listed)) return isReserved(listed)
  return table.decided.get(row) === 'reserved'
}

function isUndecided(row: number, table: Table): boolean {
  const listed = table.listed.get(row)
  if (listed !== undefined) return !isTerminal(listed)
  const outcome = table.outcome.get(row)
  return table.decided.get(row) === undefined && (outcome === 'ok' || outcome === undefined)
}

/** The reserved orders that came last, as many as make up `quantity`. */
function lastReserved(rows: number[], quantity: number, table: Table): number[] {
  const last: number[] = []
  let missing = quantity
  for (let i = rows.length - 1; i >= 0 && missing > 0; i--) {
    if (!holdsStock(rows[i]!, table)) continue
    missing -= table.quantityOf(rows[i]!)
    last.push(rows[i]!)
  }
  return last
}
