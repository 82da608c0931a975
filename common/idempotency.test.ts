import { describe, expect, test } from 'vitest'
import type { Order } from './domain/order.ts'
import { createIdempotency } from './idempotency.ts'
import { anOrder } from './testing/builders.ts'

const burger = { item: 'burger', quantity: 2 } as const

function setup() {
  const orders = new Map<string, Order>()
  return { orders, claim: createIdempotency((id) => orders.get(id)) }
}

describe('Idempotency-Key', () => {
  test('gives a new order each time without a key', () => {
    const { claim } = setup()
    expect(claim(undefined, burger).order_id).not.toBe(claim(undefined, burger).order_id)
  })

  test('answers the known order for the same key and body', () => {
    const { claim, orders } = setup()
    const first = claim('k', burger)
    orders.set(first.order_id, anOrder({ order_id: first.order_id, ...burger }))
    first.release()
    expect(claim('k', burger).known).toMatchObject({ order_id: first.order_id })
  })

  test('refuses the same key for another order', () => {
    const { claim, orders } = setup()
    const first = claim('k', burger)
    orders.set(first.order_id, anOrder({ order_id: first.order_id, ...burger }))
    first.release()
    expect(() => claim('k', { item: 'burger', quantity: 3 })).toThrow(
      expect.objectContaining({ code: 'LAB_KEY_REUSED' }),
    )
  })

  test('refuses a key in flight, and takes it again once released', () => {
    const { claim } = setup()
    const first = claim('k', burger)
    expect(() => claim('k', burger)).toThrow(expect.objectContaining({ code: 'LAB_KEY_IN_FLIGHT' }))
    first.release()
    expect(claim('k', burger).order_id).toBe(first.order_id)
  })

  test.each(['', 'with space', 'x'.repeat(256), 'ü'])('refuses the key %j', (key) => {
    expect(() => setup().claim(key, burger)).toThrow(expect.objectContaining({ code: 'LAB_REQUEST_INVALID' }))
  })
})
