import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { derivedId, eventIdFor, newOrderId, orderIdForKey } from './ids.ts'

describe('ids', () => {
  test('are UUIDs, fresh or derived', () => {
    for (const id of [newOrderId(), derivedId('a'), orderIdForKey('k')])
      expect(z.uuid().safeParse(id).success).toBe(true)
  })

  test('derive the same id from the same parts and another from others', () => {
    expect(derivedId('a', 'b')).toBe(derivedId('a', 'b'))
    expect(derivedId('a', 'b')).not.toBe(derivedId('ab'))
    expect(orderIdForKey('k1')).not.toBe(orderIdForKey('k2'))
  })

  test('keep version and variant bits for many inputs', () => {
    for (let i = 0; i < 1_000; i++)
      expect(z.uuid({ version: 'v5' }).safeParse(derivedId(String(i))).success).toBe(true)
  })

  test('of events are UUIDs, one for each order and kind, and the same every time', () => {
    const counted = (i: number) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`
    const make = [newOrderId, (i: number) => orderIdForKey(String(i)), counted]
    const orders = Array.from({ length: 3_000 }, (_, i) => make[i % 3]!(i))
    const ids = () =>
      orders.flatMap((order_id) => [eventIdFor('placed', order_id), eventIdFor('inventory', order_id)])

    for (const id of ids()) expect(z.uuid({ version: 'v8' }).safeParse(id).success).toBe(true)
    expect(ids()).toEqual(ids())
    expect(new Set([...orders, ...ids()]).size).toBe(3 * orders.length)
  })

  test('of events rise with the time of their orders', () => {
    const earlier = '0195d3a0-0000-7fff-bfff-ffffffffffff'
    const later = '0195d3a0-0001-7000-8000-000000000000'

    expect(eventIdFor('placed', earlier) < eventIdFor('placed', later)).toBe(true)
    expect(eventIdFor('inventory', earlier) < eventIdFor('inventory', later)).toBe(true)
  })
})
