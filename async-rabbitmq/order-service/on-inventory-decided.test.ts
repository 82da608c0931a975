import { type InventoryEvent, inventoryDecided } from '@lab/common/domain/events.ts'
import type { Order } from '@lab/common/domain/order.ts'
import { createOrderStore, ORDERS_SCHEMA } from '@lab/common/order-store.ts'
import { OrderStream, type OrderUpdate } from '@lab/common/order-stream.ts'
import { anOrder } from '@lab/common/testing/builders.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { ack, duplicate } from '@lab/kit/outcome.ts'
import { openStore } from '@lab/kit/store.ts'
import pino from 'pino'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createDeadLetters, DEAD_LETTERS_SCHEMA } from './dead-letters.ts'
import { onInventoryDecided } from './on-inventory-decided.ts'

const origin = { source: 'test', now: Date.now() }
const data = (order: Order) => ({ ...order, status: 'placed' as const })
const reserved = (order: Order) => inventoryDecided(data(order), { status: 'reserved' }, origin)
const outOfStock = (order: Order) =>
  inventoryDecided(data(order), { status: 'failed', reason: 'out_of_stock' }, origin)

function setup(...known: Order[]) {
  const store = openStore('orders', undefined, ORDERS_SCHEMA + DEAD_LETTERS_SCHEMA)
  const orders = createOrderStore(store)
  const deadLetters = createDeadLetters(store, orders)
  store.transaction(() => known.forEach(orders.insert))
  const stream = new OrderStream()
  const updates: OrderUpdate[] = []
  vi.spyOn(stream, 'publish').mockImplementation((more) => void updates.push(...more))
  const metrics = createMetrics('order-service')
  onTestFinished(() => {
    stream.close()
    store.close()
  })
  const handle = onInventoryDecided({
    store,
    orders,
    deadLetters,
    stream,
    metrics,
    log: pino({ level: 'silent' }),
    now: Date.now,
  })
  return { handle: (...events: InventoryEvent[]) => handle(events), orders, deadLetters, updates, metrics }
}

describe('order-service on inventory.*', () => {
  test('moves each order to what was decided and tells the stream', () => {
    const [first, second] = [anOrder(), anOrder()]
    const { handle, orders, updates } = setup(first, second)

    expect(handle(reserved(first), outOfStock(second))).toEqual([ack(), ack()])
    expect(orders.get(first.order_id)?.status).toBe('reserved')
    expect(orders.get(second.order_id)).toMatchObject({ status: 'failed', reason: 'out_of_stock' })
    expect(updates.map(({ status }) => status)).toEqual(['reserved', 'failed'])
  })

  test('tells a repeated event nobody', () => {
    const order = anOrder()
    const { handle, updates } = setup(order)
    handle(reserved(order))

    expect(handle(reserved(order))).toEqual([duplicate()])
    expect(updates).toHaveLength(1)
  })

  test('acknowledges and counts a decision for an order it does not know', async () => {
    const { handle, metrics } = setup()
    expect(handle(reserved(anOrder()))).toEqual([duplicate()])
    expect(await metrics.registry.metrics()).toMatch(/lab_orders_total\{.*status="unknown".*\} 1/)
  })
})
