import { randomUUID } from 'node:crypto'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { openStore } from '@lab/kit/store.ts'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { FoodEvent } from '../mqtt/schemas.ts'
import { createKitchen } from './kitchen.ts'
import { createOrderStore, KITCHEN_SCHEMA, REMEMBERED } from './order-store.ts'

const metrics = createMetrics('test')
const log = createLog('test', 'silent')

beforeEach(
  () => void vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ['setTimeout', 'clearTimeout', 'Date'] }),
)
afterEach(() => void vi.useRealTimers())

/** With the setImmediate of the last timer. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await new Promise(setImmediate)
}

const newStore = () => {
  const store = openStore('kitchen', undefined, KITCHEN_SCHEMA)
  onTestFinished(() => void store.close())
  return store
}

interface Setup {
  store?: ReturnType<typeof newStore>
  kitchenId?: string
  maxCooking?: number
  queueLimit?: number
  prepMs?: () => number
}

function setup(options: Setup = {}) {
  const {
    store = newStore(),
    kitchenId = 'k1',
    maxCooking = 3,
    queueLimit = 2,
    prepMs = () => 1_000,
  } = options
  const now = Date.now
  const orders = createOrderStore(store, kitchenId, now)
  const onChange = vi.fn()
  const kitchen = createKitchen({ orders, prepMs, maxCooking, queueLimit, onChange, metrics, log, now })
  onTestFinished(kitchen.close)
  const send = (over: object = {}, topic = 'restaurant/orders/1') => {
    const order = { orderId: randomUUID(), table: 1, food: 'Pizza', ts: 1, ...over }
    const [outcome] = kitchen.receive([{ topic, body: Buffer.from(JSON.stringify(order)) }])
    return { ...order, outcome }
  }
  const foods = (): FoodEvent[] => orders.outbox.after(0, 100_000).map(({ body }) => JSON.parse(body))
  const statuses = (table: 0 | 1 = 1) =>
    Object.fromEntries(orders.state(table).orders.map(({ orderId, status }) => [orderId, status]))
  return { store, orders, kitchen, send, foods, statuses, onChange }
}

describe('the kitchen on an order', () => {
  test('cooks it for the time drawn, and announces it as it ends', async () => {
    const { send, foods, orders } = setup()
    const { orderId } = send()

    await pass(999)
    expect(foods()).toEqual([])
    expect(orders.state(1)).toMatchObject({ seq: 1, finished: 0, orders: [{ orderId, status: 'cooking' }] })

    await pass(1)
    const ready = { orderId, table: 1, food: 'Pizza', status: 'ready', prepMs: 1_000 }
    expect(foods()).toEqual([ready])
    expect(orders.state(1)).toMatchObject({ seq: 2, finished: 1, orders: [{ orderId, status: 'ready' }] })
  })

  test('cooks many at the same time, each for its own time', async () => {
    let drawn = 0
    const { send, foods } = setup({ maxCooking: 500, prepMs: () => 3_000 - 5 * drawn++ })
    const sent = Array.from({ length: 500 }, () => send().orderId)

    await pass(3_000)

    expect(foods().map(({ orderId }) => orderId)).toEqual(sent.toReversed())
  })

  test('lets orders wait in the order of arrival when every place is taken', async () => {
    const { send, statuses, foods } = setup({ maxCooking: 1 })
    const [first, second, third] = [send().orderId, send().orderId, send().orderId]
    expect(statuses()).toEqual({ [first]: 'cooking', [second]: 'waiting', [third]: 'waiting' })

    await pass(1_001)
    expect(statuses()).toEqual({ [first]: 'ready', [second]: 'cooking', [third]: 'waiting' })

    await pass(1_001)
    await pass(1_001)
    expect(foods().map(({ orderId }) => orderId)).toEqual([first, second, third])
  })

  test('answers that it is full when no more may wait, and cooks no repeat of that order', async () => {
    const { send, foods } = setup({ maxCooking: 1, queueLimit: 1 })
    send()
    send()
    const refused = send()
    await pass(5_000)
    send({ orderId: refused.orderId })
    await pass(5_000)

    const { orderId } = refused
    expect(foods().filter((food) => food.orderId === orderId)).toEqual([
      { orderId, table: 1, food: 'Pizza', status: 'error', error: 'kitchen is full' },
    ])
  })

  test('takes a repeat for the same order, at any time, and shows it again', async () => {
    const { send, foods, orders } = setup()
    const { orderId } = send()
    expect(send({ orderId, food: ' Pizza ' }).outcome).toEqual({ kind: 'ack', duplicate: true })
    await pass(1_000)
    for (let other = 0; other < 60; other++) {
      send()
      await pass(1_000)
    }
    expect(orders.state(1).orders.map((order) => order.orderId)).not.toContain(orderId)

    send({ orderId: orderId.toUpperCase() })

    expect(orders.state(1).orders[0]).toMatchObject({ orderId, status: 'ready' })
    expect(foods().filter((food) => food.orderId === orderId)).toHaveLength(1)
  })

  test('refuses another order under a known id', async () => {
    const { send, foods } = setup()
    const { orderId } = send()
    send({ orderId, food: 'Salad' })
    expect(foods()).toMatchObject([{ orderId, table: 1, food: 'Salad', status: 'error' }])
    await pass(1_000)
    expect(foods()).toMatchObject([{ status: 'error' }, { orderId, food: 'Pizza', status: 'ready' }])
  })
})

describe('the kitchen on what is no order', () => {
  const bad = [
    ['not JSON', 'restaurant/orders/2', '{', 2, /not JSON/],
    ['not UTF-8', 'restaurant/orders/2', Buffer.from([0xff, 0xfe]), 2, /not JSON/],
    ['nothing', 'restaurant/orders/3', '', 3, /not JSON/],
    ['null', 'restaurant/orders/3', 'null', 3, /invalid order/],
    ['more than 4 KiB', 'restaurant/orders/1', { food: 'x'.repeat(4_200) }, 1, /larger than 4096/],
    ['an id that is no UUID', 'restaurant/orders/1', { orderId: '7' }, 1, /orderId/],
    ['no food', 'restaurant/orders/1', { food: '  ' }, 1, /food/],
    ['too long a food', 'restaurant/orders/1', { food: 'x'.repeat(101) }, 1, /food/],
    ['another table', 'restaurant/orders/1', { table: 2 }, 1, /table/],
    ['a table as text', 'restaurant/orders/1', { table: '1' }, 1, /table/],
    ['table 0', 'restaurant/orders/0', { table: 0 }, 0, /no table/],
    ['table 5', 'restaurant/orders/5', { table: 5 }, 0, /no table/],
    ['a table that is no number', 'restaurant/orders/x', {}, 0, /no table/],
  ] as const

  test.each(bad)('answers %s with an error on the table it names', async (_, topic, sent, table, error) => {
    const { kitchen, send, foods, orders } = setup()
    if (typeof sent === 'string' || Buffer.isBuffer(sent))
      kitchen.receive([{ topic, body: Buffer.from(sent) }])
    else send(sent, topic)

    expect(foods()).toMatchObject([{ table, status: 'error', error: expect.stringMatching(error) }])
    expect(orders.state(table).errors).toMatchObject([{ error: expect.stringMatching(error) }])
    send({}, 'restaurant/orders/1')
    await pass(1_000)
    expect(foods()).toMatchObject([{}, { status: 'ready' }])
  })

  test('shows the last ten', async () => {
    const { kitchen, orders } = setup()
    for (let at = 0; at < 25; at++)
      kitchen.receive([{ topic: `restaurant/orders/${at + 5}`, body: Buffer.from('{}') }])
    const shown = orders.state(0).errors.map(({ error }) => Number(error.match(/\d+$/)?.[0]))
    expect(shown).toEqual(Array.from({ length: 10 }, (_, at) => 29 - at))
  })
})

describe('the kitchen after a kill', () => {
  test('goes on with what cooks for the time that is left, and with what waits', async () => {
    const before = setup({ maxCooking: 1 })
    const { store } = before
    const [first, second] = [before.send().orderId, before.send().orderId]
    await pass(400)
    before.kitchen.close()

    const after = setup({ store, maxCooking: 1 })
    after.kitchen.resume()
    await pass(599)
    expect(after.foods()).toEqual([])
    await pass(1)
    expect(after.foods()).toMatchObject([{ orderId: first, prepMs: 1_000 }])
    await pass(1_001)
    expect(after.foods().map(({ orderId }) => orderId)).toEqual([first, second])
  })

  test('finishes at once what was due meanwhile', async () => {
    const { store, send, kitchen } = setup()
    send()
    kitchen.close()
    await pass(60_000)

    const after = setup({ store })
    after.kitchen.resume()
    await pass(1)
    expect(after.foods()).toMatchObject([{ status: 'ready', prepMs: 1_000 }])
  })

  test('has the epoch of its store and its seq', async () => {
    const { store, send, kitchen, orders } = setup()
    send()
    kitchen.close()
    await pass(5_000)

    const after = setup({ store })
    expect(after.orders.state(1)).toEqual(orders.state(1))
    expect(setup().orders.epoch).toBe(orders.epoch + 5_000)
  })
})

describe('two kitchens on one store', () => {
  test('cook an order once when both have its message', async () => {
    const one = setup()
    const other = setup({ store: one.store, kitchenId: 'k2' })
    const { orderId } = one.send()
    expect(other.send({ orderId }).outcome).toEqual({ kind: 'ack', duplicate: true })
    await pass(2_000)
    expect([...one.foods(), ...other.foods()]).toHaveLength(1)
  })

  test('finish an order once when one takes it over from the other, which was only slow', async () => {
    const slow = setup()
    const other = setup({ store: slow.store, kitchenId: 'k2' })
    const { orderId } = slow.send()

    expect(other.orders.transaction(() => other.orders.takeOver('k1'))).toBe(1)
    other.kitchen.resume()
    await pass(2_000)

    expect(slow.foods()).toEqual([])
    expect(other.foods()).toMatchObject([{ orderId, status: 'ready' }])
    expect(slow.orders.state(1)).toMatchObject({ finished: 1, seq: 2 })
    expect(slow.kitchen.cooking()).toBe(0)
  })

  test('notice who has said nothing for too long', async () => {
    const one = setup()
    const other = setup({ store: one.store, kitchenId: 'k2' })
    one.orders.beat()
    await pass(4_000)
    other.orders.beat()
    expect(other.orders.lapsed(5_000)).toEqual([])
    await pass(2_000)
    expect(other.orders.lapsed(5_000)).toEqual(['k1'])
    other.orders.leave('k1')
    expect(other.orders.lapsed(5_000)).toEqual([])
  })
})

test('the kitchen forgets finished orders beyond the last hundred thousand', {
  timeout: 60_000,
}, async () => {
  const { store, send, orders } = setup({ prepMs: () => 0, maxCooking: 2 })
  send()
  await pass(1)
  store.db.exec(`UPDATE orders SET arrival = 1 - ${REMEMBERED}`)
  for (let at = 0; at < 1_000; at++) {
    send()
    await pass(1)
    if (at % 100 === 0) orders.outbox.remove(Number.MAX_SAFE_INTEGER)
  }
  expect(store.db.prepare('SELECT count(*) AS count FROM orders').get()).toEqual({ count: 1_000 })
})
