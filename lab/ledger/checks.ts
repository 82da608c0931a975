import { ITEMS, type Item, isTerminal } from '@lab/common/domain/order.ts'
import { type Anomalies, type AnomalyType, NAMED_AT_MOST } from './anomaly.ts'
import { isReachable, isReserved, type Observed, type Promises } from './observed.ts'
import { itemOf, type OrderTable, quantityOf, type Row } from './table.ts'

/** What every check looks at. Checks only read the table and add what they find. */
export interface Case {
  table: OrderTable
  observed: Pick<Observed, 'stock' | 'notifications' | 'plantedDeadLetters'>
  promises: Promises
  anomalies: Anomalies
  /** Messages that still wait somewhere: what is missing may be among them. */
  backlog: number
  /** Whether every order that was sent has its record. */
  isHistoryComplete: boolean
}

/** Every invariant that is held against a run. */
export function checkAll(subject: Case): void {
  checkAcknowledged(subject)
  checkPhantoms(subject)
  checkStatuses(subject)
  if (subject.observed.stock) for (const item of ITEMS) checkStock(item, subject.observed.stock, subject)
  if (subject.observed.notifications) checkNotifications(subject)
  if (subject.promises.ordersPerKey) checkOrderPerKey(subject)
}

/** Every acknowledged order is at the order service, as it was ordered; a refused one has taken no stock. */
function checkAcknowledged(subject: Case): void {
  const { table, anomalies } = subject
  for (const row of table.rows) {
    const { name, hasId, intended, listed } = row
    if (!intended || !hasId) continue
    if (!listed) {
      checkMissing(row, subject)
      continue
    }
    const { outcome, item, quantity, told } = intended
    if (listed.item !== item || listed.quantity !== quantity) {
      const there = `${listed.quantity} ${listed.item}`
      anomalies.add('altered', name, `${quantity} ${item} were ordered, ${there} is there`)
    }
    // Where the answer told a status, the sequence of statuses says more than that it was a 4xx.
    if (outcome === 'rejected' && told === undefined && isReserved(listed.status)) {
      anomalies.add('phantom', name, `it was refused, and is ${listed.status} all the same`)
    }
  }
}

/** An intended order that the order service does not list: fine, unless it was acknowledged or has moved stock. */
function checkMissing(row: Row, { anomalies, backlog }: Case): void {
  const { name, decision } = row
  const { outcome, n } = row.intended!
  const holdsStock = decision?.status === 'reserved'
  if (outcome !== 'ok' && !holdsStock) return
  const words = outcome === 'ok' ? `#${n} was acknowledged` : `its outcome was ${outcome}`
  const seen = seenAs(row)
  if (outcome === 'rejected') anomalies.add('phantom', name, 'it was refused, and inventory reserved it')
  else if (backlog > 0)
    anomalies.add('stuck', name, `${words}, not listed yet; ${backlog} messages still wait`)
  else if (seen)
    anomalies.add('unknown to the service', name, `${words} and ${seen}, but it is not in GET /orders`)
  else anomalies.add('lost', name, `${words}, and it is nowhere`)
}

function seenAs({ notified, isDeadLettered, decision, shown }: Row): string | undefined {
  if (notified > 0) return 'notified'
  if (isDeadLettered) return 'dead-lettered'
  return decision?.status ?? shown
}

const UNLISTED = 'unlisted'
const NOBODY = 'nobody ordered it'
const ACKNOWLEDGED = 'acknowledged without an id, and not there'

/**
 * Orders that are there under an id no client knows. Each must be one of the intended orders whose id is unknown: an
 * order without an answer may be among them, one acknowledged without an id has to be. What is left over is a phantom.
 */
function checkPhantoms(subject: Case): void {
  const { table, isHistoryComplete } = subject
  const anonymous = Map.groupBy(table.rows.filter(isAnonymous), signatureOf)
  const phantoms = Map.groupBy(
    table.rows.filter(({ intended }) => !intended),
    signatureOf,
  )
  const unlisted = phantoms.get(UNLISTED) ?? []
  phantoms.delete(UNLISTED)

  let spare = 0
  for (const signature of new Set([...anonymous.keys(), ...phantoms.keys()])) {
    const there = phantoms.get(signature) ?? []
    const wanted = anonymous.get(signature) ?? []
    const acknowledged = wanted.filter(({ intended }) => intended?.outcome === 'ok')
    report('lost', acknowledged, acknowledged.length - there.length, ACKNOWLEDGED, subject)
    // Without all records nobody can say that an order was not sent.
    if (isHistoryComplete) report('phantom', there, there.length - wanted.length, NOBODY, subject)
    spare += Math.max(0, wanted.length - there.length)
  }
  if (isHistoryComplete) checkUnlisted(unlisted, spare, subject)
  checkNameless(subject)
}

/** Refused is refused; any other answer without an id, and no answer at all, leaves it open. */
const isAnonymous = ({ hasId, intended }: Row): boolean =>
  !hasId && intended !== undefined && intended.outcome !== 'rejected'

/** Orders that look the same cannot be told apart without their ids. */
const signatureOf = (row: Row): string =>
  row.intended || row.listed ? `${quantityOf(row)} ${itemOf(row)}` : UNLISTED

/** Orders seen only beside the order service's list; `spare` intended orders have not been found anywhere yet. */
function checkUnlisted(unlisted: Row[], spare: number, subject: Case): void {
  const { letters = [], others = [] } = Object.groupBy(unlisted, (row) =>
    isOnlyDeadLetter(row) ? 'letters' : 'others',
  )
  const left = Math.max(0, spare - others.length)
  report('phantom', others, others.length - spare, NOBODY, subject)
  report('dead letter without origin', letters, letters.length - left, NOBODY, subject)
}

const isOnlyDeadLetter = ({ decision, shown, notified }: Row): boolean =>
  decision === undefined && shown === undefined && notified === 0

/** Dead letters that name no order at all: as many as were planted. */
function checkNameless({ table: { nameless }, anomalies, observed }: Case): void {
  const unplanted = nameless.length - (observed.plantedDeadLetters ?? 0)
  if (unplanted <= 0) return
  anomalies.count('dead letter without origin', unplanted)
  for (const { place, reason } of nameless.slice(0, NAMED_AT_MOST)) {
    anomalies.name('dead letter without origin', `a message in ${place}`, reason)
  }
}

function report(type: AnomalyType, rows: Row[], count: number, why: string, { anomalies }: Case): void {
  if (count <= 0) return
  anomalies.count(type, count)
  const detail = count === rows.length ? why : `${why} (${count} of ${rows.length} that look the same)`
  for (const { name } of rows.slice(0, NAMED_AT_MOST)) anomalies.name(type, name, detail)
}

/** Every order reaches a terminal status, and every source tells a story that goes one way. */
function checkStatuses({ table, anomalies }: Case): void {
  for (const { name, intended, listed, shown, decision, isDeadLettered } of table.rows) {
    if (!listed) continue
    const { status } = listed
    // A dead letter says why its order went no further.
    if (!isTerminal(status) && !isDeadLettered) anomalies.add('stuck', name, `it is still ${status}`)

    const told = intended?.told
    if (told !== undefined && !isReachable(told, status)) {
      anomalies.add('status backwards', name, `the client was told ${told}, and it is ${status}`)
    }
    if (shown !== undefined && !isReachable(shown, status)) {
      anomalies.add('status backwards', name, `it was shown ${shown}, and it is ${status}`)
    }
    if (decision && isTerminal(status) && isReserved(status) !== (decision.status === 'reserved')) {
      anomalies.add('contradicted', name, `inventory decided ${decision.status}, and it is ${status}`)
    }
  }
}

/** Initial stock = what is left + what was reserved, for each item, and never more reserved than there was. */
function checkStock(item: Item, stock: NonNullable<Observed['stock']>, { table, anomalies }: Case): void {
  const [initial, left] = [stock.initial[item], stock.left[item]]
  const rows = table.rows.filter((row) => itemOf(row) === item)
  const reserved = sumOf(rows.filter(holdsStock))
  // An order without a terminal status may hold stock or not.
  const open = sumOf(rows.filter((row) => !holdsStock(row) && isUndecided(row)))
  const taken = initial - left
  const pending = open === 0 ? '' : `, ${open} undecided`
  const detail = `${item}: ${initial} at first, ${left} left, ${reserved} reserved${pending}`

  if (left < 0) addAll('negative stock', lastReserved(rows, -left))
  if (reserved > initial) addAll('oversold', lastReserved(rows, reserved - initial))

  const isMissing = taken < reserved
  if (!isMissing && taken <= reserved + open) return
  const suspects = isMissing
    ? lastReserved(rows, reserved - taken)
    : rows.filter((row) => !holdsStock(row) && quantityOf(row) <= taken - reserved)
  anomalies.count('stock not conserved', 1)
  for (const name of namesOf(suspects)) anomalies.name('stock not conserved', name, detail)

  function addAll(type: 'negative stock' | 'oversold', suspects: Row[]): void {
    anomalies.count(type, Math.max(1, suspects.length))
    for (const name of namesOf(suspects)) anomalies.name(type, name, detail)
  }

  /** Where no order comes into question, the item is named. */
  function namesOf(suspects: Row[]): string[] {
    return suspects.length === 0 ? [item] : suspects.slice(0, NAMED_AT_MOST).map(({ name }) => name)
  }
}

const sumOf = (rows: Row[]): number => rows.reduce((sum, row) => sum + quantityOf(row), 0)

function holdsStock({ listed, decision }: Row): boolean {
  if (listed && isTerminal(listed.status)) return isReserved(listed.status)
  return decision?.status === 'reserved'
}

function isUndecided({ listed, intended, decision }: Row): boolean {
  if (listed) return !isTerminal(listed.status)
  return !decision && (!intended || intended.outcome === 'ok')
}

/** The reserved orders that came last, as many as make up `quantity`. */
function lastReserved(rows: Row[], quantity: number): Row[] {
  const last: Row[] = []
  let missing = quantity
  for (const row of rows.toReversed()) {
    if (missing <= 0) break
    if (!holdsStock(row)) continue
    missing -= quantityOf(row)
    last.push(row)
  }
  return last
}

/** Each reserved order is notified exactly once in effect, where that is promised; no other order ever is. */
function checkNotifications({ table, promises, anomalies, backlog }: Case): void {
  for (const { name, intended, listed, notified } of table.rows) {
    const status = listed?.status
    if (notified > 1) anomalies.add('notified twice', name, `it was notified ${notified} times`)
    if (notified > 0) {
      const isRefused = !listed && intended?.outcome === 'rejected'
      if (isRefused) anomalies.add('notified unreserved', name, 'it was refused')
      if (status === 'failed') anomalies.add('notified unreserved', name, 'it is failed')
      continue
    }
    const isDue = status === 'notified' || (promises.notifies === 'always' && isReserved(status))
    if (!isDue) continue
    if (backlog > 0)
      anomalies.add('stuck', name, `it is ${status} and not notified; ${backlog} messages still wait`)
    else anomalies.add('reserved not notified', name, `it is ${status}, and there is no notification`)
  }
}

/** Of two orders with the same key, one acknowledged before the other was sent, the first is decided first. */
function checkOrderPerKey({ table, anomalies }: Case): void {
  /** By key: of those decided so far, the one that was sent last. */
  const lastSent = new Map<string, { name: string; sentMs: number }>()
  for (const { name, intended } of table.decided) {
    if (intended?.key === undefined) continue
    const { key, sentMs, doneMs } = intended
    const last = lastSent.get(key)
    if (last && doneMs < last.sentMs)
      anomalies.add('reordered', name, `${last.name} was sent after it, and decided before it`)
    if (!last || sentMs > last.sentMs) lastSent.set(key, { name, sentMs })
  }
}
