import { inventoryDecided } from '@lab/common/domain/events.ts'
import { anOrderPlaced } from '@lab/common/testing/builders.ts'
import { describe, expect, test } from 'vitest'
import { count } from './kafka-counts.ts'

const origin = { source: 'test', now: 0 }
const reservedOf = (placed: ReturnType<typeof anOrderPlaced>) =>
  inventoryDecided(placed.data, { status: 'reserved' }, origin)
const failedOf = (placed: ReturnType<typeof anOrderPlaced>) =>
  inventoryDecided(placed.data, { status: 'failed', reason: 'out_of_stock' }, origin)

describe('the count of what the topics say', () => {
  const [first, second] = [anOrderPlaced(), anOrderPlaced()]

  test('counts orders and decisions', () => {
    expect(count([first, second], [reservedOf(first), failedOf(second)])).toEqual({
      records: 4,
      orders: 2,
      reserved: 1,
      failed: 1,
      decidedTwice: 0,
      phantoms: 0,
      lastMinute: 2,
    })
  })

  test('counts an event that is repeated once', () => {
    const events = [reservedOf(first), reservedOf(first)]

    expect(count([first, first], events)).toMatchObject({
      records: 4,
      orders: 1,
      reserved: 1,
      decidedTwice: 0,
    })
  })

  test('finds an order that is decided twice, differently or under another id', () => {
    expect(count([first], [reservedOf(first), failedOf(first)]).decidedTwice).toBe(1)
    expect(count([first], [reservedOf(first), { ...reservedOf(first), id: 'another' }]).decidedTwice).toBe(1)
  })

  test('finds a decision about an order that is not in the log', () => {
    expect(count([first], [reservedOf(first), reservedOf(second)]).phantoms).toBe(1)
  })

  test('has the minute that ends with the newest order, in event time', () => {
    const at = (timestamp: number) => ({
      ...first,
      subject: String(timestamp),
      data: { ...first.data, timestamp },
    })

    expect(count([at(1_000.9), at(1_001), at(1_059.2), at(1_060.5)], []).lastMinute).toBe(3)
  })
})
