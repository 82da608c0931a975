import { canBecome, FailureReason, ITEMS, type Order, OrderStatus } from '@lab/common/domain/order.ts'
import type { OrderReader } from '@lab/common/kit/order-routes.ts'
import { UuidIndex } from '../state/uuid-index.ts'

const PAGE = 1_000
const STATUSES = OrderStatus.options
const REASONS = FailureReason.options
const NO_REASON = 255

/** All orders in columns: about 36 bytes each, so a million take 40 MB and leave the garbage collector alone. */
export interface OrderTable extends OrderReader {
  readonly size: number
  has: (order_id: string) => boolean
  /** Adds a new order and answers true; an order that is there already stays as it is. */
  place: (order: Order) => boolean
  /** Moves an order on and answers whether it moved. A status never goes backwards, an unknown order does not move. */
  advance: (order_id: string, status: OrderStatus, reason?: FailureReason) => boolean
}

export function createOrderTable(): OrderTable {
  const ids = new UuidIndex()
  let codes = new Uint8Array(4 * 1_024)
  let timestamps = new Float64Array(1_024)

  const grow = () => {
    const wider = new Uint8Array(codes.length * 2)
    wider.set(codes)
    codes = wider
    const longer = new Float64Array(timestamps.length * 2)
    longer.set(timestamps)
    timestamps = longer
  }

  const read = (row: number): Order => {
    const [item, quantity, status, reason] = codes.subarray(row * 4, row * 4 + 4) as unknown as number[]
    return {
      order_id: ids.at(row),
      item: ITEMS[item as number] as Order['item'],
      quantity: quantity as number,
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
      const reasonCode = reason === undefined ? NO_REASON : REASONS.indexOf(reason)
      codes.set([ITEMS.indexOf(item), quantity, STATUSES.indexOf(status), reasonCode], row * 4)
      timestamps[row] = timestamp
      return true
    },
    advance: (order_id, status, reason) => {
      const row = ids.find(order_id)
      if (row === -1) return false
      if (!canBecome(STATUSES[codes[row * 4 + 2] as number] as OrderStatus, status)) return false
      codes[row * 4 + 2] = STATUSES.indexOf(status)
      codes[row * 4 + 3] = reason === undefined ? NO_REASON : REASONS.indexOf(reason)
      return true
    },
    *pages() {
      for (let from = 0; from < ids.size; from += PAGE)
        yield Array.from({ length: Math.min(PAGE, ids.size - from) }, (_, i) => read(from + i))
    },
  }
}
