import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { OrderList } from './orders.ts'

const idOf = (at: number) => `01a22623-fb0a-7091-8075-${at.toString(16).padStart(12, '0')}`
const order = (at: number, status = 'placed') => ({
  order_id: idOf(at),
  item: 'burger',
  quantity: 2,
  status,
  timestamp: 1,
})

/** An order service's list, as its routes answer it: pages with a cursor. */
async function setUp() {
  const orders: ReturnType<typeof order>[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://x')
    const [, , id] = url.pathname.split('/')
    if (id) return void response.end(JSON.stringify(orders.find(({ order_id }) => order_id === id) ?? {}))
    const cursor = url.searchParams.get('cursor')
    const limit = Number(url.searchParams.get('limit'))
    const from = cursor ? orders.findIndex(({ order_id }) => order_id === cursor) + 1 : 0
    if (cursor && from === 0) return void response.writeHead(400).end('{}')
    const page = orders.slice(from, from + limit)
    if (orders.length > from + limit)
      response.setHeader('link', `</orders?limit=${limit}&cursor=${page.at(-1)!.order_id}>; rel="next"`)
    response.end(JSON.stringify(page))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  let now = 0
  const list = new OrderList(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => now)
  return { orders, list, pass: (ms: number) => (now += ms) }
}

describe('the list of a lane’s orders', () => {
  test('counts every order once, over pages and over readings', async () => {
    const { orders, list } = await setUp()
    orders.push(...Array.from({ length: 1_200 }, (_, at) => order(at)))
    await list.read()
    orders.push(...Array.from({ length: 3 }, (_, at) => order(2_000 + at)))
    await list.read()
    await list.read()

    expect(list).toMatchObject({ acknowledged: 1_203, waiting: 1_203, isCurrent: true })
  })

  test('decides an order once, whoever tells it first', async () => {
    const { orders, list } = await setUp()
    orders.push(order(1))
    // The stream is faster than the list.
    list.update({ order_id: idOf(1), status: 'reserved', at: 1 })
    await list.read()
    list.update({ order_id: idOf(1), status: 'reserved', at: 1 })

    expect(list).toMatchObject({ waiting: 0, reserved: { burger: 2, pizza: 0, salad: 0 } })
    expect(list.byStatus).toEqual({ placed: 0, reserved: 1 })
  })

  test('asks for what the stream has not told', async () => {
    const { orders, list, pass } = await setUp()
    orders.push(order(1))
    await list.read()
    orders[0]!.status = 'failed'
    pass(4_000)
    await list.read()

    expect(list.byStatus).toEqual({ placed: 0, failed: 1 })
    expect(list.reserved.burger).toBe(0)
  })

  test('counts a notified order as reserved stock', async () => {
    const { orders, list } = await setUp()
    orders.push(order(1))
    await list.read()
    list.update({ order_id: idOf(1), status: 'reserved', at: 1 })
    list.update({ order_id: idOf(1), status: 'notified', at: 1 })

    expect(list.byStatus).toEqual({ placed: 0, reserved: 0, notified: 1 })
    expect(list.reserved.burger).toBe(2)
  })

  test('hears of a notification before it has read of the order', async () => {
    const { orders, list } = await setUp()
    orders.push(order(1, 'reserved'))
    list.update({ order_id: idOf(1), status: 'notified', at: 1 })
    await list.read()

    expect(list.byStatus).toEqual({ placed: 0, reserved: 0, notified: 1 })
  })

  test('begins again when the service has forgotten its orders', async () => {
    const { orders, list } = await setUp()
    orders.push(...Array.from({ length: 600 }, (_, at) => order(at, 'reserved')))
    await list.read()
    orders.splice(0, orders.length, order(9_000))
    await list.read()
    await list.read()

    expect(list).toMatchObject({ acknowledged: 1, waiting: 1, reserved: { burger: 0, pizza: 0, salad: 0 } })
  })
})
