import { type InventoryEvent, inventoryDecided, type OrderPlaced } from '@lab/common/domain/events.ts'
import { decide, type Stock } from '@lab/common/domain/stock.ts'
import { ack, deadLetter, duplicate, type Outcome } from '@lab/kit/outcome.ts'
import { nextTraceparent } from '@lab/kit/trace.ts'
import { type Origin, toDeadLetter } from '../broker/dead-letters.ts'
import { decodeOrderPlaced, type LogMessage, type Message } from '../broker/records.ts'
import { applyDecision, type StockState } from './stock-state.ts'

export const SOURCE = 'inventory-consumer'

export interface OrderRecord {
  origin: Origin
  message: LogMessage
}

/** What a run of records leads to. Nothing of it is true before the log has it. */
export interface Draft {
  events: InventoryEvent[]
  deadLetters: { origin: Origin; message: Message; reason: string }[]
  /** One for each record, in order. */
  outcomes: Outcome[]
}

/**
 * Decides a run of records of `order-events` against the state, without changing it.
 *
 * - ack          the order is decided: `InventoryReserved`, or `InventoryFailed` when the stock does not suffice
 * - duplicate    the order has its decision already, in the log or earlier in this run
 * - dead-letter  the record will never be an order; it goes to the dead-letter topic and holds nobody up
 *
 * Out of stock is a decision, not a failure.
 */
export function draftDecisions(state: StockState, records: OrderRecord[], now: number): Draft {
  const draft: Draft = { events: [], deadLetters: [], outcomes: [] }
  const stock: Stock = { ...state.stock }
  const decidedHere = new Set<string>()

  for (const { origin, message } of records) {
    const { event, reason } = decodeOrderPlaced(message) as { event?: OrderPlaced; reason: string }
    if (!event) {
      draft.outcomes.push(deadLetter(reason))
      if (!state.deadLettered.has(origin))
        draft.deadLetters.push({ origin, message: toDeadLetter(message, origin, reason), reason })
      continue
    }
    const { order_id, item } = event.data
    if (state.decided.has(order_id) || decidedHere.has(order_id)) {
      draft.outcomes.push(duplicate())
      continue
    }
    const decision = decide(stock[item], event.data)
    if (decision.status === 'reserved') stock[item] = decision.left
    decidedHere.add(order_id)
    draft.outcomes.push(ack())
    draft.events.push(inventoryDecided(event.data, decision, { source: SOURCE, now, ...trace(event) }))
  }
  return draft
}

/** Makes a draft the state, once the log has it. */
export function applyDraft(state: StockState, { events, deadLetters }: Draft): void {
  for (const event of events) applyDecision(state, event)
  for (const { origin } of deadLetters) state.deadLettered.add(origin)
}

const trace = ({ traceparent }: OrderPlaced) =>
  traceparent === undefined ? {} : { traceparent: nextTraceparent(traceparent) }
