import type { Order } from '@lab/common/domain/order.ts'
import { anOrder } from '@lab/common/testing/builders.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AuditedState, audit, type Invariant } from './order-audit.ts'

describe('the audit of a state that balances', () => {
  test('finds nothing', () => {
    expect(audit(state())).toEqual([])
  })

  test('finds nothing in an order the client was not told about, when one exchange did not finish', () => {
    const { acknowledged, ...rest } = state()

    expect(audit({ ...rest, acknowledged: acknowledged.slice(1), unknown: 1 })).toEqual([])
  })

  test('finds nothing in a reserved order without a notification, where notifying is best effort', () => {
    const { notifications = [], ...rest } = state()

    expect(audit({ ...rest, notifications: notifications.slice(1), notify: 'best-effort' })).toEqual([])
  })
})

interface Planted {
  anomaly: string
  invariant: Invariant
  plant: (balanced: AuditedState) => AuditedState
}

const planted: Planted[] = [
  {
    anomaly: 'a lost order',
    invariant: 'acknowledged orders are there',
    plant: (b) => ({ ...b, acknowledged: [...b.acknowledged, 'lost'] }),
  },
  {
    anomaly: 'a phantom order',
    invariant: 'no phantom orders',
    plant: (b) => ({ ...b, orders: [...b.orders, anOrder({ status: 'failed' })] }),
  },
  {
    anomaly: 'an order listed twice',
    invariant: 'each order once',
    plant: (b) => ({ ...b, orders: [...b.orders, b.orders[2]!] }),
  },
  {
    anomaly: 'an order that is still placed',
    invariant: 'each order decided',
    plant: (b) => ({ ...b, orders: change(b.orders, 2, { status: 'placed' }) }),
  },
  {
    anomaly: 'an order whose outcome is unknown',
    invariant: 'each order decided',
    plant: (b) => ({ ...b, orders: change(b.orders, 2, { status: 'timeout' }) }),
  },
  {
    anomaly: 'an order reserved twice',
    invariant: 'stock balances',
    plant: (b) => ({ ...b, left: { ...b.left, burger: b.left.burger - 2 } }),
  },
  {
    anomaly: 'an order reserved without stock',
    invariant: 'stock balances',
    plant: (b) => ({ ...b, orders: change(b.orders, 2, { status: 'reserved' }) }),
  },
  {
    anomaly: 'stock below zero',
    invariant: 'stock not negative',
    plant: (b) => ({ ...b, initial: { ...b.initial, salad: -1 }, left: { ...b.left, salad: -1 } }),
  },
  {
    anomaly: 'an order notified twice',
    invariant: 'notified once',
    plant: (b) => ({ ...b, notifications: [...b.notifications!, b.notifications![0]!] }),
  },
  {
    anomaly: 'a failed order that was notified',
    invariant: 'only reserved orders notified',
    plant: (b) => ({ ...b, notifications: [...b.notifications!, b.orders[2]!] }),
  },
  {
    anomaly: 'a reserved order that was not notified',
    invariant: 'reserved orders notified',
    plant: (b) => ({ ...b, notifications: b.notifications!.slice(1) }),
  },
]

describe('the audit finds', () => {
  test.each(planted)('$anomaly', ({ plant, invariant }) => {
    expect(audit(plant(state())).map((found) => found.invariant)).toContain(invariant)
  })

  test('a notification that is missing although its order says notified, even where notifying is best effort', () => {
    const { orders, ...rest } = state()
    const books_ = { ...rest, orders: change(orders, 0, { status: 'notified' }), notifications: [] }

    expect(audit({ ...books_, notify: 'best-effort' })).toMatchObject([
      { invariant: 'reserved orders notified' },
    ])
  })

  test('any stock that went missing, however many orders there are', () => {
    const quantities = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(quantities, fc.integer({ min: 1, max: 1_000 }), (each, missing) => {
        const orders = each.map((quantity) => anOrder({ quantity, status: 'reserved' }))
        const reserved = each.reduce((sum, quantity) => sum + quantity, 0)
        const initial = { burger: 10_000, pizza: 0, salad: 0 }
        const left = { ...initial, burger: initial.burger - reserved }
        const balanced: AuditedState = {
          acknowledged: orders.map(({ order_id }) => order_id),
          orders,
          initial,
          left,
        }

        expect(audit(balanced)).toEqual([])
        expect(audit({ ...balanced, left: { ...left, burger: left.burger - missing } })).toHaveLength(1)
      }),
    )
  })
})

/** Two reserved orders (2 burgers, 1 pizza) and one that failed. */
function state(): AuditedState {
  const orders = [
    anOrder({ item: 'burger', quantity: 2, status: 'reserved' }),
    anOrder({ item: 'pizza', quantity: 1, status: 'reserved' }),
    anOrder({ item: 'salad', quantity: 9, status: 'failed', reason: 'out_of_stock' }),
  ]
  return {
    acknowledged: orders.map(({ order_id }) => order_id),
    orders,
    initial: { burger: 100, pizza: 100, salad: 5 },
    left: { burger: 98, pizza: 99, salad: 5 },
    notifications: orders.slice(0, 2),
  }
}

const change = (orders: Order[], index: number, changes: Partial<Order>) =>
  orders.map((order, i) => (i === index ? { ...order, ...changes } : order))
