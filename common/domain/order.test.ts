import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canBecome, isTerminal, OrderId, OrderStatus, PlaceOrder } from './order.ts'
import { decide, parseStock } from './stock.ts'

const statuses = OrderStatus.options

describe('order status', () => {
  test('never goes backwards, whatever arrives in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...statuses)), (arrivals) => {
        let status: OrderStatus = 'placed'
        const history: OrderStatus[] = [status]
        for (const next of arrivals) {
          if (!canBecome(status, next)) continue
          status = next
          history.push(status)
        }
        expect(new Set(history).size).toBe(history.length)
        expect(history.filter((s) => s === 'failed' || s === 'reserved').length).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('is terminal once stock is decided', () => {
    expect(statuses.filter(isTerminal)).toEqual(['reserved', 'failed', 'notified'])
  })
})

describe('a stock decision', () => {
  test('reserves all or nothing and never goes negative', () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.integer({ min: 1, max: 100 }), (left, quantity) => {
        const decision = decide(left, { quantity })
        if (quantity > left) expect(decision).toEqual({ status: 'failed', reason: 'out_of_stock' })
        else expect(decision).toEqual({ status: 'reserved', left: left - quantity })
      }),
    )
  })
})

describe('STOCK', () => {
  test('keeps 100 for what it does not name', () => {
    expect(parseStock('pizza=7')).toEqual({ burger: 100, pizza: 7, salad: 100 })
  })

  test.each(['sushi=1', 'burger=-1', 'burger=1.5', 'burger', 'burger=ten'])(
    'refuses %s and says why',
    (text) => {
      expect(() => parseStock(text)).toThrow(text.split('=')[0])
    },
  )
})

describe('PlaceOrder', () => {
  test('takes whole quantities from 1 to 10,000 only', () => {
    for (const quantity of [1, 10_000])
      expect(PlaceOrder.safeParse({ item: 'salad', quantity }).success).toBe(true)
    for (const quantity of [0, 10_001, 1.5, '2', null])
      expect(PlaceOrder.safeParse({ item: 'salad', quantity }).success).toBe(false)
  })
})

describe('an order id', () => {
  test('is the same order in upper and in lower case', () => {
    const id = '0198A7C2-0000-7000-8000-00000000ABCD'

    expect(OrderId.parse(id)).toBe(OrderId.parse(id.toLowerCase()))
  })
})
