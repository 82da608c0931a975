import fc from 'fast-check'
import { expect, test } from 'vitest'
import { customerCents, hundredths } from './prices.ts'
import { NewOrder } from './schemas.ts'
import { EVENT_TYPES, eventOf, NEXT, STATUSES, type Status, statusOf } from './statuses.ts'

test.each([
  [10, 30, 13],
  [10.05, 30, 13.07],
  [0.01, 50, 0.02],
  [0.01, 49.99, 0.01],
  [26.25, 29.96, 34.11],
  [1.005 - 0.005, 0.5, 1.01],
  [9_999.99, 999.99, 109_998.89],
  [2.15, 10, 2.37],
  [1.1, 10, 1.21],
])('a pizza of %d with a markup of %d percent costs %d', (price, markup, cost) => {
  expect(customerCents(hundredths(price)!, hundredths(markup)!) / 100).toBe(cost)
})

test('the price is rounded half up, exactly, for every price and markup there can be', () => {
  const cents = fc.integer({ min: 1, max: 1_000_000 })
  const markup = fc.integer({ min: 0, max: 100_000 })
  fc.assert(
    fc.property(cents, markup, (price, percent) => {
      const exact = BigInt(price) * BigInt(10_000 + percent)
      const [whole, rest] = [exact / 10_000n, exact % 10_000n]
      expect(BigInt(customerCents(price, percent))).toBe(rest >= 5_000n ? whole + 1n : whole)
    }),
    { numRuns: 2_000 },
  )
})

test.each([-1, 0, 0.001, 10.005, 10_000.01, Number.NaN, Number.POSITIVE_INFINITY, '10'])(
  'a price of %s is none',
  (supplier_price) => {
    const given = { supplier_name: 'a', pizza_name: 'b', supplier_price }
    expect(NewOrder.safeParse(given).error?.issues[0]?.path).toEqual(['supplier_price'])
  },
)

test('the lifecycle leads to its ends and never back', () => {
  const reach = (from: Status, seen: Status[] = []): Status[] => {
    if (seen.includes(from)) throw new Error(`a circle at ${from}`)
    return NEXT[from].flatMap((next) => [next, ...reach(next, [...seen, from])])
  }
  expect(new Set(reach('pending_supplier'))).toEqual(new Set(STATUSES.slice(1)))
  const ends = STATUSES.filter((status) => NEXT[status].length === 0)
  expect(ends).toEqual(['delivered', 'cancelled'])
  const cancellable = STATUSES.filter((status) => NEXT[status].includes('cancelled'))
  expect(cancellable).toEqual(STATUSES.slice(0, STATUSES.indexOf('dispatched')))
})

test('each status has its event, and each event but the first its status', () => {
  expect(EVENT_TYPES).toEqual([
    'order.created',
    'order.supplier_accepted',
    'order.supplier_rejected',
    'order.customer_accepted',
    'order.preparing',
    'order.ready',
    'order.dispatched',
    'order.in_transit',
    'order.delivered',
    'order.cancelled',
  ])
  for (const status of STATUSES.slice(1)) expect(statusOf(eventOf(status))).toBe(status)
  expect(statusOf('order.created')).toBeUndefined()
})
