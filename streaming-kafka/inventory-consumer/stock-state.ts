import type { InventoryEvent } from '@lab/common/domain/events.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { UuidIndex } from '@lab/common/uuid-index.ts'
import { DeadLetterLedger } from '../broker/dead-letters.ts'
import { Positions } from '../broker/positions.ts'

/** What the log says: every field follows from `inventory-events`, the dead letters and the initial stock. */
export interface StockState {
  readonly initial: Stock
  stock: Stock
  /** Every order that has its decision. */
  readonly decided: UuidIndex
  readonly deadLettered: DeadLetterLedger
  /** Of each partition of `order-events`, the offset before which everything is decided or dead-lettered. */
  readonly readTo: Positions
}

export const newStockState = (initial: Stock): StockState => ({
  initial,
  stock: { ...initial },
  decided: new UuidIndex(),
  deadLettered: new DeadLetterLedger(),
  readTo: new Positions(),
})

/** Takes over a decision the log holds. The first one of an order counts; the log can repeat it, stock moves once. */
export function applyDecision(state: StockState, { type, data }: InventoryEvent): void {
  if (!state.decided.add(data.order_id)) return
  if (type === 'InventoryReserved') state.stock[data.item] -= data.quantity
}
