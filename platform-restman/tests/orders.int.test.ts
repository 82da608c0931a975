import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLog } from '@lab/kit/log.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { serverKinds } from '@lab/stack/servers/index.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { taxOf } from '../services/billing-service/tax.ts'
import { createOrders, OrderQuery } from '../services/order-service/orders.ts'
import { openQuotes, type Quote } from '../services/order-service/quote.ts'
import type { NewOrder } from '../services/order-service/schemas.ts'
import { openDb } from '../shared/db/db.ts'
import { migrate } from '../shared/db/migrate.ts'
import type { Outgoing } from '../shared/db/outbox.ts'
import { Bill, newEvent, type OrderPlaced, type OrderStatus } from '../shared/events/events.ts'
import { createServiceSigner, type Identity } from '../shared/identity/identity.ts'
import { SECRET } from './platform.ts'

joinRunDir()
const place = await serverKinds.postgres.place(sharedServer('postgres'), { part: 'order-test' })
const log = createLog('test', 'silent')
const db = openDb({ url: place.url, connections: 10, log })
await migrate(db, 'order-service', log)
afterAll(async () => {
  await db.close()
  await place.close()
})

const restaurant_id = randomUUID()
const [pizza, soup] = [randomUUID(), randomUUID()] as const
let menu: Quote = {
  restaurant: { name: 'Ada', owner_id: randomUUID(), is_open: true },
  foods: [
    { food_id: pizza, name: 'Pizza', price_cents: 1_235, is_available: true },
    { food_id: soup, name: 'Soup', price_cents: 99, is_available: true },
  ],
}
let failing = 0
const orders = createOrders({
  db,
  consumer: 'order-service',
  quotes: { of: async () => menu, close: async () => {} },
  placed: (order) => toOutbox(order.order_id, order),
  cancelled: (order_id) => toOutbox(`cancelled ${order_id}`, {}),
})
let lastId = randomUUID()
function toOutbox(key: string, payload: object): Outgoing {
  // An id that is there already is what the outbox refuses.
  lastId = failing-- > 0 ? lastId : randomUUID()
  return { topic: 'order.events', key, event: { id: lastId, ...payload } }
}
const eventsOf = (order_id: string) =>
  db.query<{ payload: OrderPlaced }>('select payload from outbox where key = $1', [order_id])

const newCustomer = (): Identity => ({ user_id: randomUUID(), email: 'ada@example.com', role: 'customer' })
const order: NewOrder = {
  restaurant_id,
  items: [
    { food_id: pizza, quantity: 1 },
    { food_id: soup, quantity: 3 },
    { food_id: pizza, quantity: 1 },
  ],
}
const status = (order_id: string, status: OrderStatus) =>
  newEvent({
    type: 'order.status_updated' as const,
    source: 'kitchen-service',
    subject: order_id,
    data: { order_id, status, updated_at: new Date().toISOString() },
  })

test('the same food twice is one line, and lines add up to the order and to its event', async () => {
  const { order: placed } = await orders.place({ who: newCustomer(), order })
  expect(placed).toMatchObject({
    total_amount: 27.67,
    items: [
      { food_name: 'Pizza', quantity: 2, unit_price: 12.35, total_price: 24.7 },
      { food_name: 'Soup', quantity: 3, unit_price: 0.99, total_price: 2.97 },
    ],
  })
  const [event] = await eventsOf(placed.order_id)
  expect(event!.payload.total_cents).toBe(2_767)
  expect(event!.payload.items.reduce((sum, item) => sum + item.total_price_cents, 0)).toBe(2_767)
})

test('one key is one order, whoever sends it at the same moment, and whatever the menu says later', async () => {
  const who = newCustomer()
  const key = randomUUID()
  const all = await Promise.all(Array.from({ length: 8 }, () => orders.place({ who, order, key })))
  const ids = new Set(all.map(({ order: { order_id } }) => order_id))
  expect(ids.size).toBe(1)
  expect(all.filter(({ isNew }) => isNew)).toHaveLength(1)
  expect(await eventsOf([...ids][0]!)).toHaveLength(1)

  const before = menu
  menu = { ...menu, foods: [] }
  expect(await orders.place({ who, order, key })).toMatchObject({ isNew: false })
  menu = before
  const other = { ...order, items: [{ food_id: soup, quantity: 1 }] }
  await expect(orders.place({ who, order: other, key })).rejects.toMatchObject({ code: 'LAB_KEY_REUSED' })
  // Of somebody else the same key is another one.
  expect(await orders.place({ who: newCustomer(), order: other, key })).toMatchObject({ isNew: true })
})

test('an order is stored with its event, or not at all', async () => {
  const who = newCustomer()
  failing = 1
  await expect(orders.place({ who, order, key: 'a' })).rejects.toThrow('outbox_pkey')
  expect((await orders.list(who, OrderQuery.parse({}))).rows).toEqual([])
  const { order: placed, isNew } = await orders.place({ who, order, key: 'a' })
  expect(isNew).toBe(true)
  expect(await eventsOf(placed.order_id)).toHaveLength(1)
})

test('an order follows its kitchen, and what comes twice, late or out of order changes nothing', async () => {
  const who = newCustomer()
  const { order_id } = (await orders.place({ who, order })).order
  const now = async () => (await orders.find(who, order_id))!.status
  const [preparing, ready, delivered] = (['preparing', 'ready', 'delivered'] as const).map((to) =>
    status(order_id, to),
  )
  await orders.follow([preparing!, preparing!])
  expect(await now()).toBe('preparing')
  await orders.follow([delivered!])
  await orders.follow([ready!])
  await orders.follow([status(order_id, 'cancelled'), status(order_id, 'preparing')])
  expect(await now()).toBe('delivered')
})

test('an order is cancelled once, and not once its kitchen has begun', async () => {
  const who = newCustomer()
  const [early, late] = [
    (await orders.place({ who, order })).order.order_id,
    (await orders.place({ who, order })).order.order_id,
  ]
  await Promise.all(Array.from({ length: 5 }, () => orders.cancel(who, early)))
  expect(await eventsOf(`cancelled ${early}`)).toHaveLength(1)
  expect(await orders.find(who, early)).toMatchObject({ status: 'cancelled', reason: 'customer' })
  await orders.follow([status(early, 'preparing')])
  expect((await orders.find(who, early))!.status).toBe('cancelled')

  await orders.follow([status(late, 'preparing')])
  await expect(orders.cancel(who, late, 'customer')).rejects.toMatchObject({ code: 'LAB_CONFLICT' })
  await expect(orders.cancel(newCustomer(), early, 'customer')).rejects.toMatchObject({
    code: 'LAB_NOT_FOUND',
  })
})

test('of a customer who cancels and a kitchen that begins at the same moment one does', async () => {
  const who = newCustomer()
  for (let round = 0; round < 10; round++) {
    const { order_id } = (await orders.place({ who, order })).order
    const both = [orders.cancel(who, order_id), orders.begin(order_id)]
    const ends = await Promise.allSettled(round % 2 ? both : both.toReversed())
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const { status: ended } = (await orders.find(who, order_id))!
    expect(await eventsOf(`cancelled ${order_id}`)).toHaveLength(ended === 'cancelled' ? 1 : 0)
    // The step that was made is heard later: it was made already.
    await orders.follow([status(order_id, 'preparing')])
    expect((await orders.find(who, order_id))!.status).toBe(ended)
    if (ended === 'preparing') await orders.begin(order_id)
  }
  await expect(orders.begin(randomUUID())).rejects.toMatchObject({ code: 'LAB_NOT_FOUND' })
})

test('a sum that no bill has room for is refused', async () => {
  const before = menu
  menu = { ...menu, foods: menu.foods.map((food) => ({ ...food, price_cents: 9_999_999 })) }
  const much = { restaurant_id, items: [{ food_id: pizza, quantity: 1_000 }] }
  await expect(orders.place({ who: newCustomer(), order: much })).rejects.toMatchObject({
    code: 'LAB_REQUEST_INVALID',
  })
  // The most that is taken still fits into the event of its bill, tax and all.
  const atMost = 909_090_908
  for (const [cents, quantity, isTaken] of [
    [atMost / 4, 4, true],
    [atMost + 1, 1, false],
  ] as const) {
    menu = { ...menu, foods: menu.foods.map((food) => ({ ...food, price_cents: cents })) }
    const most = { restaurant_id, items: [{ food_id: pizza, quantity }] }
    const ends = await orders.place({ who: newCustomer(), order: most }).catch(({ code }) => code)
    expect(ends).toEqual(isTaken ? expect.objectContaining({ isNew: true }) : 'LAB_REQUEST_INVALID')
  }
  expect(Bill.shape.total_cents.safeParse(atMost + taxOf(atMost)).success).toBe(true)
  menu = before
})

let answer: (() => [status: number, body: unknown]) | 'silence' = 'silence'
const restaurants = createServer((_, response) => {
  if (answer === 'silence') return
  const [code, body] = answer()
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})
beforeAll(() => new Promise<void>((resolve) => restaurants.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  restaurants.closeAllConnections()
  restaurants.close()
})

test('a restaurant service that is silent, broken or away is missing, in time', async () => {
  const { port } = restaurants.address() as AddressInfo
  const quotes = openQuotes(`http://127.0.0.1:${port}`, 300, createServiceSigner(SECRET, 'order-service'))
  const missing = { code: 'LAB_DEPENDENCY_UNAVAILABLE', retryable: true }
  const ask = () => quotes.of(restaurant_id, [pizza])
  await expect(ask()).rejects.toMatchObject(missing)
  for (const [code, body] of [
    [500, {}],
    [200, { foods: 'none' }],
    [200, 'text'],
  ] as const) {
    answer = () => [code, body]
    await expect(ask()).rejects.toMatchObject(missing)
  }
  answer = () => [404, {}]
  expect(await ask()).toBeUndefined()
  answer = () => [200, menu]
  expect(await ask()).toEqual(menu)
  await quotes.close()
})
