import type { Order } from '@lab/common/domain/order.ts'
import { newOrderId } from '@lab/common/ids.ts'
import { describe, expect, test } from 'vitest'
import { anomaliesOf, type Found } from './ledger.ts'

describe('the ledger of a benchmark', () => {
  test('balances when every accepted order is reserved, taken from stock and notified once', () => {
    expect(anomaliesOf(balanced())).toEqual([])
  })

  test('balances when a bulk answered no ids, by the number of orders', () => {
    const found = balanced()

    expect(anomaliesOf({ ...found, sent: { ...found.sent, order_ids: [] } })).toEqual([])
  })

  test('balances when an unknown order exists, and when it does not', () => {
    const found = balanced()
    const { accepted, order_ids } = found.sent

    const exists = { accepted: accepted - 1, unknown: 1, order_ids: order_ids.slice(1) }
    expect(anomaliesOf({ ...found, sent: exists })).toEqual([])
    expect(anomaliesOf({ ...found, sent: { ...found.sent, unknown: 1 } })).toEqual([])
  })

  test.each<{ what: string; plant: (found: Found) => void; says: string }>([
    {
      what: 'an accepted order is not there',
      plant: ({ orders }) => orders.shift(),
      says: 'NOT acknowledged orders are there',
    },
    {
      what: 'an order appears that nobody placed',
      plant: ({ orders }) => orders.push(order()),
      says: '4 orders are held, 3 were accepted',
    },
    {
      what: 'an order is still open',
      plant: ({ orders }) => (orders[0]!.status = 'placed'),
      says: 'NOT each order decided',
    },
    {
      what: 'an order failed',
      plant: ({ orders }) => (orders[0]!.status = 'failed'),
      says: '1 orders failed',
    },
    { what: 'stock moved twice', plant: ({ left }) => left.burger--, says: 'NOT stock balances: burger' },
    {
      what: 'an order was notified twice',
      plant: ({ notifications }) => notifications!.push(notifications![0]!),
      says: 'NOT notified once',
    },
    {
      what: 'an order was never notified',
      plant: ({ notifications }) => notifications!.pop(),
      says: 'NOT reserved orders notified',
    },
  ])('does not balance when $what', ({ plant, says }) => {
    const found = balanced()

    plant(found)

    expect(anomaliesOf(found).join('\n')).toContain(says)
  })

  test('counts the orders of a bulk that are missing', () => {
    const found = balanced()
    found.orders.pop()
    found.left.burger++
    found.notifications!.pop()

    const sent = { accepted: 3, unknown: 0, order_ids: [] }

    expect(anomaliesOf({ ...found, sent })).toEqual(['2 orders are held, 3 were accepted and 0 are unknown'])
  })
})

const order = (): Order => ({
  order_id: newOrderId(),
  item: 'burger',
  quantity: 1,
  status: 'reserved',
  timestamp: 1,
})

function balanced(): Found {
  const orders = [order(), order(), order()]
  const order_ids = orders.map(({ order_id }) => order_id)
  return {
    sent: { accepted: 3, unknown: 0, order_ids },
    orders,
    initial: { burger: 10, pizza: 10, salad: 10 },
    left: { burger: 7, pizza: 10, salad: 10 },
    notifications: order_ids.map((order_id) => ({ order_id })),
    notify: 'every',
  }
}
