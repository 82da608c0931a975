import type { Item, OrderStatus } from '@lab/common/domain/order.ts'
import { orderIdForKey } from '@lab/common/ids.ts'
import type { Anomalies } from './anomaly.ts'
import type { HistoryRecord } from './history.ts'
import {
  isReachable,
  type ObservedDeadLetter,
  type ObservedDecision,
  type ObservedOrder,
} from './observed.ts'

/** One order, intended or only observed, with what each source says of it. */
export interface Row {
  /** The order's id, or its place in the plan. */
  name: string
  hasId: boolean
  /** Undefined for an order that no client knows. */
  intended?: Intended
  listed?: ObservedOrder
  /** What inventory decided first. */
  decision?: ObservedDecision
  /** The status that was shown last. */
  shown?: OrderStatus
  notified: number
  isDeadLettered: boolean
}

type Intended = Omit<HistoryRecord, 'sent_ms' | 'done_ms'> & { sentMs: number; doneMs: number }

/** One row for each order, as they first appear. What contradicts itself on the way is an anomaly at once. */
export class OrderTable {
  readonly rows: Row[] = []
  /** Those with a decision, in the order in which they were first decided. */
  readonly decided: Row[] = []
  /** Decisions that were delivered again and had no effect. */
  repeats = 0
  readonly nameless: ObservedDeadLetter[] = []
  readonly #byId = new Map<string, Row>()
  readonly #anomalies: Anomalies

  constructor(anomalies: Anomalies) {
    this.#anomalies = anomalies
  }

  intend(record: HistoryRecord): void {
    const { n, order_id, outcome, sent_ms, done_ms, ...rest } = record
    const known = order_id === undefined ? undefined : this.#byId.get(order_id)
    if (known?.intended) {
      this.#intendAgain(known.name, known.intended, record)
      return
    }
    // Without times the plan is the order: each was answered before the next was sent.
    const doneMs = outcome === 'ok' ? (done_ms ?? n + 0.5) : Infinity
    const row = order_id === undefined ? this.#add(`#${n}`, false) : this.#rowOf(order_id)
    row.intended = { n, outcome, ...rest, sentMs: sent_ms ?? n, doneMs }
  }

  list(order: ObservedOrder): void {
    const row = this.#rowOf(order.order_id)
    if (row.listed) this.#anomalies.add('doubled', row.name, 'the order service lists it twice')
    row.listed = order
  }

  decide(decision: ObservedDecision): void {
    const row = this.#rowOf(decision.order_id)
    const { status, event_id } = decision
    const before = row.decision
    if (before === undefined) {
      row.decision = decision
      this.decided.push(row)
    } else if (before.status !== status) {
      this.#anomalies.add('contradicted', row.name, `inventory decided ${before.status}, then ${status}`)
    } else if (event_id !== undefined && event_id === before.event_id) {
      this.repeats++
    } else if (status === 'reserved') {
      this.#anomalies.add('doubled', row.name, 'inventory reserved it twice')
    }
  }

  show({ order_id, status }: { order_id: string; status: OrderStatus }): void {
    const row = this.#rowOf(order_id)
    if (row.shown !== undefined && !isReachable(row.shown, status)) {
      this.#anomalies.add('status backwards', order_id, `it was shown ${row.shown}, then ${status}`)
    }
    row.shown = status
  }

  notify({ order_id }: { order_id: string }): void {
    this.#rowOf(order_id).notified++
  }

  deadLetter(letter: ObservedDeadLetter): void {
    if (letter.order_id === undefined) this.nameless.push(letter)
    else this.#rowOf(letter.order_id).isDeadLettered = true
  }

  /** The same key sent again is the same order; any other order that is answered with a known id is lost in it. */
  #intendAgain(name: string, before: Intended, { n, outcome, idempotency_key, told }: HistoryRecord): void {
    const isSameKey = idempotency_key !== undefined && orderIdForKey(idempotency_key) === name
    if (!isSameKey) {
      this.#anomalies.add('lost', `#${n}`, `it was answered with ${name}, the id of #${before.n}`)
      return
    }
    if (outcome === 'ok') before.outcome = 'ok'
    if (told) before.told = told
  }

  #rowOf(id: string): Row {
    const known = this.#byId.get(id)
    if (known) return known
    const row = this.#add(id, true)
    this.#byId.set(id, row)
    return row
  }

  #add(name: string, hasId: boolean): Row {
    const row: Row = { name, hasId, notified: 0, isDeadLettered: false }
    this.rows.push(row)
    return row
  }
}

/** What an order is, as far as is known: listed or intended. */
export const itemOf = ({ listed, intended }: Row): Item | undefined => listed?.item ?? intended?.item

export const quantityOf = ({ listed, intended }: Row): number => (listed ?? intended)?.quantity ?? 0
