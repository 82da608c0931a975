import { type AnomalyType, NAMED_AT_MOST } from '../anomaly.ts'
import type { Case } from './check.ts'

/**
 * Orders that are there under an id no client knows. Each must be one of the intended orders whose id is unknown: an
 * order without an answer may be among them, one acknowledged without an id has to be. What is left over is a phantom.
 */
export function checkPhantoms(subject: Case): void {
  const { table, isHistoryComplete } = subject
  const anonymous = Map.groupBy(anonymousRows(table), (row) => signatureOf(row, table))
  const phantoms = Map.groupBy(phantomRows(table), (row) => signatureOf(row, table))
  const unlisted = phantoms.get(UNLISTED) ?? []
  phantoms.delete(UNLISTED)

  let spare = 0
  for (const signature of new Set([...anonymous.keys(), ...phantoms.keys()])) {
    const there = phantoms.get(signature) ?? []
    const wanted = anonymous.get(signature) ?? []
    const acknowledged = wanted.filter((row) => table.outcome.get(row) === 'ok')
    report('lost', acknowledged, acknowledged.length - there.length, ACKNOWLEDGED, subject)
    // Without all records nobody can say that an order was not sent.
    if (isHistoryComplete) report('phantom', there, there.length - wanted.length, NOBODY, subject)
    spare += Math.max(0, wanted.length - there.length)
  }
  if (isHistoryComplete) checkUnlisted(unlisted, spare, subject)
  checkNameless(subject)
}

/** Orders seen only beside the order service's list; `spare` intended orders have not been found anywhere yet. */
function checkUnlisted(unlisted: number[], spare: number, subject: Case): void {
  const letters = unlisted.filter((row) => isOnlyDeadLetter(row, subject.table))
  const others = unlisted.filter((row) => !isOnlyDeadLetter(row, subject.table))
  const left = Math.max(0, spare - others.length)
  report('phantom', others, others.length - spare, NOBODY, subject)
  report('dead letter without origin', letters, letters.length - left, NOBODY, subject)
}

/** Dead letters that name no order at all: as many as were planted. */
function checkNameless({ table, anomalies, observed }: Case): void {
  const unplanted = table.deadLettersWithoutOrderCount - (observed.plantedDeadLetters ?? 0)
  if (unplanted <= 0) return
  anomalies.count('dead letter without origin', unplanted)
  for (const { place, reason } of table.deadLettersWithoutOrder) {
    anomalies.name('dead letter without origin', `a message in ${place}`, reason)
  }
}

const UNLISTED = 'unlisted'
const NOBODY = 'nobody ordered it'
const ACKNOWLEDGED = 'acknowledged without an id, and not there'
type Table = Case['table']

function* anonymousRows(table: Table): Generator<number> {
  for (let row = 0; row < table.size; row++) {
    const outcome = table.outcome.get(row)
    // Refused is refused; any other answer without an id, and no answer at all, leaves it open.
    if (outcome !== undefined && outcome !== 'rejected' && !table.hasId(row)) yield row
  }
}

function* phantomRows(table: Table): Generator<number> {
  for (let row = 0; row < table.size; row++) if (table.outcome.get(row) === undefined) yield row
}

/** Orders that look the same cannot be told apart without their ids. */
function signatureOf(row: number, table: Table): string {
  if (table.outcome.get(row) === undefined && !table.listed.get(row)) return UNLISTED
  return `${table.quantityOf(row)} ${table.itemOf(row)}`
}

function isOnlyDeadLetter(row: number, table: Table): boolean {
  const wasHandled = table.decided.get(row) ?? table.shown.get(row)
  return wasHandled === undefined && table.notified.get(row) === 0
}

function report(
  type: AnomalyType,
  rows: number[],
  count: number,
  why: string,
  { table, anomalies }: Case,
): void {
  if (count <= 0) return
  anomalies.count(type, count)
  const detail = count === rows.length ? why : `${why} (${count} of ${rows.length} that look the same)`
  for (const row of rows.slice(0, NAMED_AT_MOST)) anomalies.name(type, table.nameOf(row), detail)
}
