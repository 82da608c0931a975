import { newOrderId } from '@lab/common/ids.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OpenOrders } from './open-orders.ts'

const ids = Array.from({ length: 2_000 }, newOrderId)

describe('open orders', () => {
  test('are those placed and not decided, whatever is read first and however often', () => {
    const what = fc.record({ order: fc.nat(7), isPlaced: fc.boolean() })
    fc.assert(
      fc.property(fc.array(what), (events) => {
        const open = new OpenOrders()
        for (const { order, isPlaced } of events)
          isPlaced ? open.placed(ids[order]!) : open.decided(ids[order]!)

        const of = (isPlaced: boolean) =>
          new Set(events.filter((event) => event.isPlaced === isPlaced).map(({ order }) => ids[order]!))
        const expected = of(true).difference(of(false))
        expect(open.count).toBe(expected.size)
        const oldest = open.oldest()
        expect(oldest === null ? expected.size === 0 : expected.has(oldest)).toBe(true)
      }),
    )
  })

  test('are named by the oldest, and are none after clear', () => {
    const open = new OpenOrders()
    for (const id of ids) open.placed(id)
    for (const id of ids.slice(0, 1_500)) open.decided(id)

    expect([open.count, open.oldest()]).toEqual([500, ids[1_500]])

    open.clear()
    expect([open.count, open.oldest()]).toEqual([0, null])
  })
})
