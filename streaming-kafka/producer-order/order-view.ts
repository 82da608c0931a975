import { randomUUID } from 'node:crypto'
import type { Order } from '@lab/common/domain/order.ts'
import type { OrderReader } from '@lab/common/order-routes.ts'
import type { OrderStream, OrderUpdate } from '@lab/common/order-stream.ts'
import { UUID_WORDS } from '@lab/common/uuid-index.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import type { LogAdmin } from '../broker/admin.ts'
import type { KafkaSettings } from '../broker/client.ts'
import { openLogReader } from '../broker/log-reader.ts'
import { decodeInventoryEvent, decodeOrderPlaced, type LogMessage, readKey } from '../broker/records.ts'
import { INVENTORY_EVENTS, ORDER_EVENTS } from '../broker/topics.ts'
import type { OrderTable } from './order-table.ts'

export interface OrderView {
  /** Throws 503 until the log has been read once: an order that is not read yet must not look like one that never was. */
  orders: OrderReader
  /** An order the log has acknowledged: readable at once, without waiting to read it back. */
  place: (orders: Order[]) => void
  /** True once everything that was in the log at the start has been read. */
  isCurrent: () => boolean
  status: () => string
  close: () => Promise<void>
}

export interface OrderViewDeps {
  admin: LogAdmin
  table: OrderTable
  stream: OrderStream
  metrics: Metrics
}

/**
 * The list of orders, built from the log alone: an order is in it if and only if `order-events` has it. Reads both topics
 * from their beginning, in a group of its own that commits nothing.
 */
export function openOrderView(
  settings: KafkaSettings,
  { admin, table, stream, metrics }: OrderViewDeps,
): OrderView {
  const publish = (updates: OrderUpdate[]) => {
    for (const [status, { length }] of Map.groupBy(updates, (update) => update.status))
      metrics.orderReached(status, length)
    stream.publish(updates)
  }
  const place = (orders: Order[]) => {
    const added = orders.filter((order) => table.place(order))
    publish(added.map(({ order_id, status }) => ({ order_id, status, at: Date.now() / 1_000 })))
  }

  const reader = openLogReader(settings, {
    admin,
    groupId: `order-view-${randomUUID()}`,
    topics: [ORDER_EVENTS, INVENTORY_EVENTS],
    onBatch: ({ topic, messages }, advance) => {
      if (topic === ORDER_EVENTS) place(newOrders(messages, table))
      else publish(decide(messages, table))
      advance(messages.length)
    },
  })
  const isCurrent = () => !reader.progress().replaying
  const readable = () => {
    if (isCurrent()) return table
    throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', 'the orders are still being read from the log', {
      retryable: true,
    })
  }

  return {
    orders: { get: (order_id) => readable().get(order_id), page: (query) => readable().page(query) },
    place,
    isCurrent,
    status: () => reader.status(),
    close: () => reader.close(),
  }
}

/** Most records read here were placed by this very process; their key tells, and saves reading them. */
function newOrders(messages: LogMessage[], table: OrderTable): Order[] {
  const orders: Order[] = []
  const key = new Uint32Array(UUID_WORDS)
  for (const message of messages) {
    if (readKey(message, key) && table.has(key)) continue
    const { event } = decodeOrderPlaced(message)
    if (event) orders.push(event.data)
  }
  return orders
}

/** Both topics are read at once, so a decision can come before its order; it carries all of the order. */
function decide(messages: LogMessage[], table: OrderTable): OrderUpdate[] {
  const updates: OrderUpdate[] = []
  const at = Date.now() / 1_000
  for (const message of messages) {
    const { event } = decodeInventoryEvent(message)
    if (!event) continue
    const { order_id, status } = event.data
    const reason = event.type === 'InventoryFailed' ? event.data.reason : undefined
    if (table.advance(order_id, status, reason)) updates.push({ order_id, status, at })
    else if (table.place({ ...event.data, status: 'placed' })) {
      table.advance(order_id, status, reason)
      updates.push({ order_id, status: 'placed', at }, { order_id, status, at })
    }
  }
  return updates
}
