import type { Order } from '@lab/common/domain/order.ts'
import { newOrderId } from '@lab/common/ids.ts'
import { everyRow } from '@lab/common/testing/every-row.ts'
import { describe, expect, test } from 'vitest'
import { createOrderTable } from './order-table.ts'

const order = (overrides: Partial<Order> = {}): Order => ({
  order_id: newOrderId(),
  item: 'salad',
  quantity: 100,
  status: 'placed',
  timestamp: 1_700_000_000.123,
  ...overrides,
})

describe('order table', () => {
  test('answers an order as it was placed', () => {
    const table = createOrderTable()
    const one = order()

    expect(table.place(one)).toBe(true)

    expect(table.get(one.order_id)).toEqual(one)
    expect(table.get(newOrderId())).toBeUndefined()
    expect(table.get('garbage')).toBeUndefined()
  })

  test('keeps the first when an order is placed twice', () => {
    const table = createOrderTable()
    const one = order()
    table.place(one)

    expect(table.place({ ...one, item: 'pizza' })).toBe(false)

    expect(table.get(one.order_id)).toEqual(one)
  })

  test('never moves a status backwards', () => {
    const table = createOrderTable()
    const { order_id } = order()
    table.place(order({ order_id }))

    expect(table.advance(order_id, 'failed', 'out_of_stock')).toBe(true)
    expect(table.advance(order_id, 'reserved')).toBe(false)

    expect(table.get(order_id)).toMatchObject({ status: 'failed', reason: 'out_of_stock' })
  })

  test('pages through all orders, oldest first, past several growths', () => {
    const table = createOrderTable()
    const orders = Array.from({ length: 5_432 }, (_, i) => order({ quantity: (i % 10_000) + 1 }))
    for (const one of orders) table.place(one)

    expect(everyRow(table, 1_000)).toEqual(orders)
    expect(table.size).toBe(5_432)
  })
})
