import { randomUUID } from 'node:crypto'
import { canBecome, FailureReason, ITEMS, type Order, OrderStatus } from '@lab/common/domain/order.ts'
import type { OrderReader } from '@lab/common/order-routes.ts'
import { type Uuid, UuidIndex, widened } from '@lab/common/uuid-index.ts'
import { pageOf, unknownCursor } from '@lab/kit/paging.ts'

const STATUSES = OrderStatus.options
const REASONS = FailureReason.options
const NO_REASON = 255

/** All orders in columns: about 40 bytes each, so a million take 40 MB and leave the garbage collector alone. */
export interface OrderTable extends OrderReader {
  readonly size: number
  has: (order_id: Uuid) => boolean
  /** Adds a new order and answers true; an order that is there already stays as it is. */
  place: (order: Order) => boolean
  /** Moves an order on and answers whether it moved. A status never goes backwards, an unknown order does not move. */
  advance: (order_id: string, status: OrderStatus, reason?: FailureReason) => boolean
}

export function createOrderTable(): OrderTable {
  const ids = new UuidIndex()
  /** Another table may hold the orders in another order: a cursor is of the table that gave it. */
  const name = randomUUID().slice(0, 8)
  let codes = new Uint8Array(3 * 1_024)
  let quantities = new Uint16Array(1_024)
  let timestamps = new Float64Array(1_024)

  const grow = () => {
    codes = new Uint8Array(widened(codes))
    quantities = new Uint16Array(widened(quantities))
    timestamps = new Float64Array(widened(timestamps))
  }

  const read = (row: number): Order => {
    const [item, status, reason] = codes.subarray(row * 3, row * 3 + 3) as unknown as number[]
    return {
      order_id: ids.at(row),
      item: ITEMS[item as number] as Order['item'],
      quantity: quantities[row] as number,
      status: STATUSES[status as number] as OrderStatus,
      timestamp: timestamps[row] as number,
      ...(reason === NO_REASON ? {} : { reason: REASONS[reason as number] as FailureReason }),
    }
  }

  return {
    get size() {
      return ids.size
    },
    has: (order_id) => ids.has(order_id),
    get: (order_id) => {
      const row = ids.find(order_id)
      return row === -1 ? undefined : read(row)
    },
    place: ({ order_id, item, quantity, status, timestamp, reason }) => {
      if (!ids.add(order_id)) return false
      const row = ids.size - 1
      if (row === timestamps.length) grow()
      codes[row * 3] = ITEMS.indexOf(item)
      codes[row * 3 + 1] = STATUSES.indexOf(status)
      codes[row * 3 + 2] = reason === undefined ? NO_REASON : REASONS.indexOf(reason)
      quantities[row] = quantity
      timestamps[row] = timestamp
      return true
    },
    advance: (order_id, status, reason) => {
      const row = ids.find(order_id)
      if (row === -1) return false
      if (!canBecome(STATUSES[codes[row * 3 + 1] as number] as OrderStatus, status)) return false
      codes[row * 3 + 1] = STATUSES.indexOf(status)
      codes[row * 3 + 2] = reason === undefined ? NO_REASON : REASONS.indexOf(reason)
      return true
    },
    page: ({ limit, cursor = `${name}.0` }) => {
      const [table, text = ''] = cursor.split('.')
      const from = Number(text)
      if (table !== name || !/^\d+$/.test(text) || from > ids.size) throw unknownCursor(cursor)
      const rows = Array.from({ length: Math.min(limit + 1, ids.size - from) }, (_, i) => read(from + i))
      return pageOf(rows, limit, () => `${name}.${from + limit}`)
    },
  }
}
