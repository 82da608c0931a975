import { inventoryDecided, type OrderEvent, orderPlaced } from '@lab/common/domain/events.ts'
import { placed } from '@lab/common/domain/order.ts'
import { eventIdFor, newOrderId } from '@lab/common/ids.ts'
import { describe, expect, test } from 'vitest'
import { Projection } from './projection.ts'

const NOW = 1_700_000_000_000

function eventsOf(count: number): OrderEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const order = placed({ item: 'burger', quantity: 1 }, newOrderId(), NOW + i)
    const event = orderPlaced(order, { id: eventIdFor('placed', order.order_id), source: 'test', now: NOW })
    const decision =
      i % 4 === 0
        ? ({ status: 'failed', reason: 'out_of_stock' } as const)
        : ({ status: 'reserved' } as const)
    return [event, inventoryDecided(event.data, decision, { source: 'test', now: NOW })]
  }).flat()
}

const projected = (events: OrderEvent[]) => {
  const projection = new Projection()
  for (const event of events) projection.apply(event)
  return projection
}

describe('projection', () => {
  test('counts orders, decisions and the failures among them', () => {
    const projection = projected(eventsOf(8))

    expect(projection.totals).toEqual({ orders: 8, reserved: 6, failed: 2 })
    expect(projection.window()).toMatchObject({ orders: 8, failure_rate: 0.25 })
  })

  test('is not held in the future by an order that says it comes from there', () => {
    const projection = new Projection(() => NOW + 90_000)
    const [placed] = eventsOf(1) as [OrderEvent]
    const future = { ...placed, data: { ...placed.data, timestamp: 32_503_680_000 } } as OrderEvent
    projection.apply(future, NOW)
    for (const event of eventsOf(8)) projection.apply(event, NOW + 60_000)

    expect(projection.window()).toMatchObject({ orders: 9, to: NOW / 1_000 + 1 })
    expect(projection.minutes()).toHaveLength(1)
    expect(projection.ordersPerMinute()).toBe(0)
  })

  test('knows which orders have no decision', () => {
    const events = eventsOf(4)
    const projection = projected(events.filter((event) => event !== events[3]))

    expect(projection.openOrders()).toEqual({ undecided_orders: 1, oldest_order_id: events[2]?.subject })
  })

  test('counts an event once, however often it comes', () => {
    const events = eventsOf(3)
    const projection = projected([...events, ...events, ...events])

    expect(projection.totals.orders).toBe(3)
    expect(projection.duplicates).toBe(12)
    expect(projection.hash()).toBe(projected(events).hash())
  })

  test('has the same hash in any order, and another when one event is missing or different', () => {
    const events = eventsOf(20)
    const hash = projected(events).hash()

    expect(projected(events.toReversed()).hash()).toBe(hash)
    expect(projected(events.slice(1)).hash()).not.toBe(hash)
    const [first, ...rest] = events as [OrderEvent, ...OrderEvent[]]
    const changed = { ...first, data: { ...first.data, quantity: 2 } } as OrderEvent
    expect(projected([changed, ...rest]).hash()).not.toBe(hash)
  })

  test('is as new after clear', () => {
    const events = eventsOf(5)
    const projection = projected(events)
    const before = { hash: projection.hash(), window: projection.window(), minutes: projection.minutes() }

    projection.clear()
    expect(projection.totals).toEqual({ orders: 0, reserved: 0, failed: 0 })
    for (const event of events) projection.apply(event)

    expect({ hash: projection.hash(), window: projection.window(), minutes: projection.minutes() }).toEqual(
      before,
    )
  })
})
