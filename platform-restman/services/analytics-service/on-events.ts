import type { BillEvent, OrderEvent } from '../../shared/events/events.ts'
import { Poison, type Received } from '../../shared/kafka/consumer.ts'
import type { ClickHouse } from './clickhouse.ts'
import { billRow, inStatus, orderRows } from './rows.ts'
import type { OrderRow, Rows } from './tables.ts'

export type Incoming = Received<OrderEvent | BillEvent>

/**
 * Stores what a batch tells, in one insert for each table. Needs no memory of what came before: a row is found by its id and
 * its version, so that a repeat is the same row. A status needs the order's own row, which is before it in the log.
 */
export function onEvents(clickhouse: Pick<ClickHouse, 'orders' | 'insert'>) {
  return async (batch: Incoming[]): Promise<void> => {
    const rows: Rows = { orders: [], order_items: [], bills: [] }
    const orders = new Map<string, OrderRow>()
    const told = new Set(
      batch.flatMap(({ event }) => (event.type === 'order.placed' ? event.data.order_id : [])),
    )
    const earlier = batch.flatMap(({ event }) =>
      event.type === 'order.status_updated' && !told.has(event.data.order_id) ? event.data.order_id : [],
    )
    for (const row of await clickhouse.orders([...new Set(earlier)])) orders.set(row.order_id, row)

    for (const { event, offset } of batch) {
      if (event.type === 'order.placed') {
        const { order, items } = orderRows(event.data)
        orders.set(order.order_id, order)
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
