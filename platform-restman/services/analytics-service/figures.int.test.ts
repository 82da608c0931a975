import { randomUUID } from 'node:crypto'
import { localContext, localObstacle } from '@lab/stack/fixtures/lab.ts'
import { openRunDir, type RunDir } from '@lab/stack/run-dir.ts'
import { type Servers, startServer } from '@lab/stack/servers/index.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ClickHouse, openClickHouse } from './clickhouse.ts'
import { createFigures, type Scope } from './figures.ts'
import { BILL_VERSION, ORDER_VERSION, type Rows } from './tables.ts'

const obstacle = await localObstacle('clickhouse')
const NAVY = '11111111-1111-4111-8111-111111111111'
const LIME = '22222222-2222-4222-8222-222222222222'
const ALWAYS = { start_date: '2026-11-01', end_date: '2026-12-31' }
const ALL: Scope = {}

describe.skipIf(obstacle)(`the figures on a ClickHouse engine ${obstacle ?? ''}`, () => {
  let run: RunDir
  let server: Servers['clickhouse']
  let clickhouse: ClickHouse
  let figures: ReturnType<typeof createFigures>

  beforeAll(async () => {
    run = await openRunDir()
    server = await startServer('clickhouse', localContext(run))
    // Not there yet, as on a server that nobody prepared.
    clickhouse = openClickHouse({ url: server.url, database: 'restman_analytics' })
    figures = createFigures(clickhouse)
    await clickhouse.prepare()
  })
  beforeEach(() => clickhouse.empty())
  afterAll(async () => {
    await clickhouse?.close()
    await run?.close()
  })

  const foods = (scope: Scope = ALL, limit = 10) => figures.topFoods(scope, ALWAYS, limit)
  const revenue = (scope: Scope = ALL, period = ALWAYS) => figures.revenue(scope, period)
  const byStatus = () => figures.ordersByStatus(ALL, ALWAYS)
  const all = async () => JSON.stringify([await foods(), await revenue(), await byStatus()])

  test('makes its database and tables, again without harm, and says which engine it is', async () => {
    await clickhouse.insert(sale())
    await clickhouse.prepare()

    expect(await foods()).toHaveLength(1)
    expect(clickhouse.engine()).toEqual({
      name: expect.stringContaining("lab's door"),
      version: server.version,
      database: 'restman_analytics',
    })
  })

  test('ranks foods by orders, then by pieces, without the cancelled ones', async () => {
    await clickhouse.insert(sale({ food: 'Soup', quantity: 1, cents: 350 }))
    await clickhouse.insert(sale({ food: 'Soup', quantity: 2, cents: 350 }))
    await clickhouse.insert(sale({ food: 'Pizza', quantity: 9, cents: 1005, restaurant: LIME }))
    await clickhouse.insert(sale({ food: 'Cake', quantity: 99, cents: 100, status: 'cancelled' }))

    expect(await foods()).toEqual([
      expect.objectContaining({
        food_name: 'Soup',
        restaurant_id: NAVY,
        order_count: 2,
        quantity: 3,
        revenue: 10.5,
      }),
      expect.objectContaining({
        food_name: 'Pizza',
        restaurant_id: LIME,
        order_count: 1,
        quantity: 9,
        revenue: 90.45,
      }),
    ])
    expect(await foods(ALL, 1)).toHaveLength(1)
  })

  test('adds up revenue by day and restaurant to the cent', async () => {
    for (let at = 0; at < 10; at++) await clickhouse.insert(sale({ cents: 10 })) // 0.1 ten times
    await clickhouse.insert(sale({ cents: 999, restaurant: LIME, date: '2026-12-01', payment: 'paid' }))
    await clickhouse.insert(sale({ cents: 5000, payment: 'cancelled' }))

    expect(await revenue()).toEqual({
      ...ALWAYS,
      total: { bill_count: 11, subtotal: 10.99, tax: 1.1, revenue: 12.09, paid: 10.99 },
      restaurants: [
        { restaurant_id: NAVY, bill_count: 10, subtotal: 1, tax: 0.1, revenue: 1.1, paid: 0 },
        { restaurant_id: LIME, bill_count: 1, subtotal: 9.99, tax: 1, revenue: 10.99, paid: 10.99 },
      ],
      days: [
        {
          date: '2026-11-28',
          restaurant_id: NAVY,
          bill_count: 10,
          subtotal: 1,
          tax: 0.1,
          revenue: 1.1,
          paid: 0,
        },
        {
          date: '2026-12-01',
          restaurant_id: LIME,
          bill_count: 1,
          subtotal: 9.99,
          tax: 1,
          revenue: 10.99,
          paid: 10.99,
        },
      ],
    })
    const day = { start_date: '2026-12-01', end_date: '2026-12-01' }
    expect((await revenue(ALL, day)).total).toMatchObject({ bill_count: 1 })
    expect((await revenue(ALL, { start_date: '2024-01-01', end_date: '2024-12-31' })).total).toEqual({
      bill_count: 0,
      subtotal: 0,
      tax: 0,
      revenue: 0,
      paid: 0,
    })
  })

  test('counts an order in its last status, whatever came last', async () => {
    const order = sale({ status: 'ready' })
    await clickhouse.insert(order)
    await clickhouse.insert(sale({ ...order.ids, status: 'placed' }))

    expect(await byStatus()).toEqual({
      statuses: [{ status: 'ready', order_count: 1, total_amount: 3.5 }],
      days: [{ date: '2026-11-28', restaurant_id: NAVY, status: 'ready', order_count: 1, total_amount: 3.5 }],
    })
  })

  test('changes no figure when everything comes again, in any order', async () => {
    const sales = Array.from({ length: 20 }, (_, at) =>
      sale({ cents: 100 + at, status: at % 2 ? 'delivered' : 'placed', payment: at % 3 ? 'paid' : 'unpaid' }),
    )
    for (const one of sales) await clickhouse.insert(one)
    const before = await all()

    for (const one of sales.toReversed()) {
      await clickhouse.insert(one)
      await clickhouse.insert(sale({ ...one.ids, cents: one.cents, status: 'placed', payment: 'unpaid' }))
    }
    expect(await all()).toBe(before)
  })

  test('shows nobody the figures of a restaurant that is not theirs', async () => {
    await clickhouse.insert(sale())
    await clickhouse.insert(sale({ restaurant: LIME, food: 'Pizza' }))

    for (const own of [{ owner_id: ownerOf(LIME) }, { restaurant_id: LIME }]) {
      expect((await foods(own)).map(({ food_name }) => food_name)).toEqual(['Pizza'])
      expect((await revenue(own)).restaurants.map(({ restaurant_id }) => restaurant_id)).toEqual([LIME])
    }
    expect(await foods({ owner_id: ownerOf(LIME), restaurant_id: NAVY })).toEqual([])
    expect((await revenue({ owner_id: ownerOf(LIME), restaurant_id: NAVY })).total.bill_count).toBe(0)
  })

  test('keeps a text that looks like SQL a text', async () => {
    const food = `'); DROP TABLE orders; -- \\ "x" {id: String} \t\n`
    const one = sale({ food })
    await clickhouse.insert(one)

    expect((await foods())[0]?.food_name).toBe(food)
    expect(await figures.order(`' OR 1=1 --`)).toBeUndefined()
    expect(await figures.order(one.ids.order)).toMatchObject({
      status: 'placed',
      total_amount: 3.5,
      item_count: 1,
      items_total: 3.5,
      bill_total: 3.85,
      bill_tax: 0.35,
      payment_status: 'unpaid',
    })
  })

  test('answers what is away with what it is', async () => {
    const away = openClickHouse({ url: 'http://127.0.0.1:9', database: 'x' })
    await expect(away.prepare()).rejects.toMatchObject({
      code: 'LAB_DEPENDENCY_UNAVAILABLE',
      message: expect.stringContaining('ClickHouse'),
    })
    expect(away.state()).not.toBe('ok')
    await away.close()
  })
})

const ownerOf = (restaurant: string) => `owner-of-${restaurant}`

interface Sale {
  order?: string
  item?: string
  bill?: string
  restaurant?: string
  food?: string
  quantity?: number
  cents?: number
  status?: string
  payment?: string
  date?: string
}

/** The rows of an order with one line. */
function sale({
  order = randomUUID(),
  item = randomUUID(),
  bill = randomUUID(),
  restaurant = NAVY,
  food = 'Soup',
  quantity = 1,
  cents = 350,
  status = 'placed',
  payment = 'unpaid',
  date = '2026-11-28',
}: Sale = {}): Rows & { ids: { order: string; item: string; bill: string }; cents: number } {
  const user_id = randomUUID()
  const at = Date.parse(`${date}T12:00:00Z`) / 1_000
  const total = cents * quantity
  const tax = Math.floor((total + 5) / 10)
  const decimal = (amount: number) => (amount / 100).toFixed(2)
  const common = { order_id: order, created_at: at, event_date: date }
  return {
    ids: { order, item, bill },
    cents,
    orders: [
      {
        ...common,
        user_id,
        restaurant_id: restaurant,
        owner_id: ownerOf(restaurant),
        total_amount: decimal(total),
        status,
        updated_at: at,
        version: ORDER_VERSION[status]!,
      },
    ],
    order_items: [
      {
        ...common,
        order_item_id: item,
        food_id: food,
        food_name: food,
        quantity,
        unit_price: decimal(cents),
        total_price: decimal(total),
      },
    ],
    bills: [
      {
        ...common,
        bill_id: bill,
        user_id,
        restaurant_id: restaurant,
        owner_id: ownerOf(restaurant),
        subtotal: decimal(total),
        tax: decimal(tax),
        total: decimal(total + tax),
        payment_status: payment,
        paid_at: payment === 'paid' ? at : null,
        version: BILL_VERSION[payment]!,
      },
    ],
  }
}
