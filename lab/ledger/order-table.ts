import { ITEMS, type Item, OrderStatus } from '@lab/common/domain/order.ts'
import { orderIdForKey } from '@lab/common/ids.ts'
import type { Anomalies } from './anomaly.ts'
import { Column, EnumColumn } from './column.ts'
import { ClientOutcome, type HistoryRecord } from './history.ts'
import { IdTable } from './id-table.ts'
import type { ObservedDeadLetter, ObservedDecision, ObservedOrder } from './observed.ts'
import { isReachable } from './status.ts'

/**
 * One row for each order, intended or only observed, in typed columns. What contradicts itself while it is written
 * down is an anomaly at once; the checks find the rest.
 */
export class OrderTable {
  readonly outcome = new EnumColumn(ClientOutcome.options)
  readonly item = new EnumColumn(ITEMS)
  readonly quantity = new Column(Uint32Array)
  readonly told = new EnumColumn(OrderStatus.options)
  readonly n = new Column(Uint32Array)
  readonly sentMs = new Column(Float64Array)
  readonly doneMs = new Column(Float64Array)
  /** 0: no key. */
  readonly key = new Column(Uint32Array)
  readonly listed = new EnumColumn(OrderStatus.options)
  readonly listedItem = new EnumColumn(ITEMS)
  readonly listedQuantity = new Column(Uint32Array)
  readonly decided = new EnumColumn(['reserved', 'failed'] as const)
  readonly shown = new EnumColumn(OrderStatus.options)
  readonly notified = new Column(Uint32Array)
  readonly deadLettered = new Column(Uint8Array)
  /** Rows in the order in which they were first decided. */
  readonly decisions = new Column(Uint32Array)
  decisionCount = 0
  /** Events that were delivered again and had no effect. */
  repeats = 0
  deadLettersWithoutOrder: ObservedDeadLetter[] = []
  deadLettersWithoutOrderCount = 0

  readonly #ids = new IdTable()
  readonly #keys = new Map<string, number>()
  readonly #hasId = new Column(Uint8Array)
  readonly #eventHash = new Column(Uint32Array)
  readonly #anomalies: Anomalies

  constructor(anomalies: Anomalies) {
    this.#anomalies = anomalies
  }

  /** How many rows there are. */
  get size(): number {
    return this.#ids.size
  }

  hasId(row: number): boolean {
    return this.#hasId.get(row) === 1
  }

  /** The order's id, or its place in the plan. */
  nameOf(row: number): string {
    return this.#ids.idOf(row) ?? `#${this.n.get(row)}`
  }

  intend(record: HistoryRecord): void {
    const { order_id, n } = record
    const known = order_id === undefined ? undefined : this.#ids.find(order_id)
    if (known !== undefined) {
      this.#intendAgain(known, record)
      return
    }
    const row = order_id === undefined ? this.#ids.add() : this.#rowOf(order_id)
    this.outcome.set(row, record.outcome)
    this.item.set(row, record.item)
    this.quantity.set(row, record.quantity)
    this.n.set(row, n)
    if (record.told) this.told.set(row, record.told)
    if (record.key !== undefined) this.key.set(row, this.#keyOf(record.key))
    // Without times the plan is the order: each was answered before the next was sent.
    this.sentMs.set(row, record.sent_ms ?? n)
    this.doneMs.set(row, record.outcome === 'ok' ? (record.done_ms ?? n + 0.5) : Infinity)
  }

  list({ order_id, item, quantity, status }: ObservedOrder): void {
    const row = this.#rowOf(order_id)
    if (this.listed.get(row)) this.#anomalies.add('doubled', order_id, 'the order service lists it twice')
    this.listed.set(row, status)
    this.listedItem.set(row, item)
    this.listedQuantity.set(row, quantity)
  }

  decide({ order_id, status, event_id }: ObservedDecision): void {
    const row = this.#rowOf(order_id)
    const before = this.decided.get(row)
    const hash = event_id === undefined ? 0 : hashOf(event_id)
    if (before === undefined) {
      this.decided.set(row, status)
      this.#eventHash.set(row, hash)
      this.decisions.set(this.decisionCount++, row)
    } else if (before !== status) {
      this.#anomalies.add('contradicted', order_id, `inventory decided ${before}, then ${status}`)
    } else if (hash !== 0 && hash === this.#eventHash.get(row)) {
      this.repeats++
    } else if (status === 'reserved') {
      this.#anomalies.add('doubled', order_id, 'inventory reserved it twice')
    }
  }

  show({ order_id, status }: { order_id: string; status: OrderStatus }): void {
    const row = this.#rowOf(order_id)
    const before = this.shown.get(row)
    if (before !== undefined && !isReachable(before, status)) {
      this.#anomalies.add('status backwards', order_id, `it was shown ${before}, then ${status}`)
    }
    this.shown.set(row, status)
  }

  notify({ order_id }: { order_id: string }): void {
    const row = this.#rowOf(order_id)
    this.notified.set(row, this.notified.get(row) + 1)
  }

  deadLetter(letter: ObservedDeadLetter): void {
    if (letter.order_id !== undefined) {
      this.deadLettered.set(this.#rowOf(letter.order_id), 1)
      return
    }
    this.deadLettersWithoutOrderCount++
    if (this.deadLettersWithoutOrder.length < 100) this.deadLettersWithoutOrder.push(letter)
  }

  /** What an order is, as far as is known: listed or intended. */
  itemOf(row: number): Item | undefined {
    return this.listedItem.get(row) ?? this.item.get(row)
  }

  quantityOf(row: number): number {
    return this.listed.get(row) ? this.listedQuantity.get(row) : this.quantity.get(row)
  }

  /** The same key sent again is the same order; any other order that is answered with a known id is lost in it. */
  #intendAgain(row: number, { n, outcome, order_id, idempotency_key, told }: HistoryRecord): void {
    const isSameKey = idempotency_key !== undefined && orderIdForKey(idempotency_key) === order_id
    if (!isSameKey) {
      this.#anomalies.add('lost', `#${n}`, `it was answered with ${order_id}, the id of #${this.n.get(row)}`)
      return
    }
    if (outcome === 'ok') this.outcome.set(row, 'ok')
    if (told) this.told.set(row, told)
  }

  #rowOf(order_id: string): number {
    const row = this.#ids.rowOf(order_id)
    this.#hasId.set(row, 1)
    return row
  }

  #keyOf(key: string): number {
    const known = this.#keys.get(key)
    if (known !== undefined) return known
    this.#keys.set(key, this.#keys.size + 1)
    return this.#keys.size
  }
}

/** FNV-1a, never 0. Two event ids of one order that share a hash would pass as one: once in four billion. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0 || 1
}
