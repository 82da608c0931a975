import type { BillEvent, OrderEvent } from '../../shared/events/events.ts'
import { Poison, type Received } from '../../shared/kafka/consumer.ts'
import type { ClickHouse } from './clickhouse.ts'
import { billRow, inStatus, orderRows } from './rows.ts'
import type { Rows } from './tables.ts'

export type Incoming = Received<OrderEvent | BillEvent>

/**
 * Stores what a batch tells, in one insert for each table. Needs no memory of what came before: a row is found by its id and
 * its version, so that a repeat is the same row. A status needs the order's own row, which is before it in the log.
 */
export function onEvents(clickhouse: Pick<ClickHouse, 'orders' | 'insert'>) {
  return async (batch: Incoming[]): Promise<void> => {
    const rows: Rows = { orders: [], order_items: [], bills: [] }
    const stored = await clickhouse.orders(placedEarlier(batch))
    const orders = new Map(stored.map((row) => [row.order_id, row]))

    for (const { event, offset } of batch) {
      if (event.type === 'order.placed') {
        const { order, items } = orderRows(event.data)
        if (!orders.has(order.order_id)) orders.set(order.order_id, order)
        rows.order_items.push(...items)
      } else if (event.type === 'order.status_updated') {
        const { order_id, status, updated_at } = event.data
        const row = orders.get(order_id)
        if (!row) throw new Poison(offset, `order ${order_id} was never placed`)
        orders.set(order_id, inStatus(row, status, updated_at))
      } else {
        rows.bills.push(billRow(event.data))
      }
    }
    rows.orders = [...orders.values()]
    await clickhouse.insert(rows)
  }
}

/** The orders with a status in this batch that are not placed before it here. After it one can be placed again: a relay repeats itself. */
function placedEarlier(batch: Incoming[]): string[] {
  const [placed, earlier] = [new Set<string>(), new Set<string>()]
  for (const { event } of batch) {
    if (event.type === 'order.placed') placed.add(event.data.order_id)
    else if (event.type === 'order.status_updated' && !placed.has(event.data.order_id))
      earlier.add(event.data.order_id)
  }
  return [...earlier]
}
