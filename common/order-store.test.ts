import { openStore } from '@lab/kit/store.ts'
import { describe, expect, test } from 'vitest'
import { createOrderStore, ORDERS_SCHEMA } from './order-store.ts'
import { anOrder } from './testing/builders.ts'
import { everyRow } from './testing/every-row.ts'

describe('the order store', () => {
  test('moves an order forward once and lists all orders in the order they came', () => {
    const orders = createOrderStore(openStore('orders', undefined, ORDERS_SCHEMA))
    const many = Array.from({ length: 2_500 }, () => anOrder())
    for (const order of many) orders.insert(order)

    const id = many[0]!.order_id
    expect(orders.advance(id, 'failed', 'out_of_stock')).toBe(true)
    expect(orders.advance(id, 'reserved')).toBe(false)
    expect(orders.get(id)).toMatchObject({ status: 'failed', reason: 'out_of_stock' })
    expect(everyRow(orders, 1_000).map(({ order_id }) => order_id)).toEqual(
      many.map(({ order_id }) => order_id),
    )
  })

  test('begins a page after its cursor, and refuses one of no page', () => {
    const orders = createOrderStore(openStore('orders', undefined, ORDERS_SCHEMA))
    const many = Array.from({ length: 3 }, () => anOrder())
    for (const order of many) orders.insert(order)
    const first = orders.page({ limit: 2 })
    orders.insert(anOrder({ quantity: 7 }))

    expect(first.rows).toEqual(many.slice(0, 2))
    const second = orders.page({ limit: 2, cursor: first.next })
    expect(second.rows.map(({ quantity }) => quantity)).toEqual([1, 7])
    expect(second.next).toBeUndefined()
    expect(() => orders.page({ limit: 2, cursor: 'nonsense' })).toThrow(/cursor/)
  })
})
