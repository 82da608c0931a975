import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { collect } from './observed.ts'
import { idOf, play, promises, type Step } from './testing/world.ts'
import { compare } from './verdict.ts'

type Route = (res: ServerResponse) => void

async function serve(routes: Record<string, Route>): Promise<string> {
  const server = createServer((req, res) => {
    const route = routes[req.url ?? '']
    if (route) route(res)
    else res.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const json =
  (value: unknown): Route =>
  (res) =>
    res.end(JSON.stringify(value))
const step: Step = { how: 'ok', item: 'burger', quantity: 1, key: 0, isRepeated: false }

describe('collecting what a part holds', () => {
  test('reads orders, stock and notifications over HTTP, so that the ledger balances', async () => {
    const world = play([step, { ...step, item: 'pizza' }, { ...step, how: 'sold out' }])
    const url = await serve({
      '/orders': json(world.orders.map((order) => ({ ...order, timestamp: 1, reason: 'out_of_stock' }))),
      '/stock': json(world.stock.left),
      '/notifications': json(world.notifications.map((entry) => ({ ...entry, at: 1 }))),
    })

    const observed = await collect({
      order: url,
      inventory: url,
      notification: url,
      initial: world.stock.initial,
      broker: { backlog: [{ place: 'inventory_queue', messages: 0 }] },
    })

    const verdict = await compare({ records: world.history }, observed, promises)
    expect(verdict).toMatchObject({ verdict: 'balanced', totals: { listed: 3, notified: 2 } })
  })

  test('finds a stock below zero: it is read as it is', async () => {
    const world = play([step], 1)
    world.stock.initial.burger = 0
    const url = await serve({
      '/orders': json(world.orders),
      '/stock': json({ ...world.stock.left, burger: -1 }),
    })

    const observed = await collect({ order: url, inventory: url, initial: world.stock.initial })

    const { anomalies } = await compare({ records: world.history }, observed, promises)
    expect(anomalies.map(({ type }) => type)).toContain('negative stock')
  })

  test('follows a list page after page, and asks for the next one only when it comes to it', async () => {
    const asked: string[] = []
    const page = (n: number, next?: string) => (res: ServerResponse) => {
      asked.push(String(n))
      if (next) res.setHeader('link', `<${next}>; rel="next"`)
      res.end(JSON.stringify([{ ...play([step]).orders[0], order_id: idOf(n) }]))
    }
    const stock = { burger: 0, pizza: 0, salad: 0 }
    const url = await serve({
      '/orders': page(0, '/orders?cursor=a'),
      '/orders?cursor=a': page(1, '/orders?cursor=b'),
      '/orders?cursor=b': page(2),
      '/stock': json(stock),
    })
    const { orders } = await collect({ order: url, inventory: url, initial: stock })

    const read: string[] = []
    for await (const { order_id } of orders) {
      read.push(order_id)
      expect(asked).toHaveLength(read.length)
    }
    expect(read).toEqual([0, 1, 2].map(idOf))
  })

  test.each([
    ['/orders breaks off', { '/orders': ((res) => res.end('[{"order_id"')) as Route }, 'JSON'],
    ['/orders is no list', { '/orders': json({ orders: [] }) }, 'expected array'],
    [
      'an order lacks its status',
      { '/orders': json([{ order_id: 'x', item: 'burger', quantity: 1 }]) },
      'status',
    ],
    ['/orders fails', { '/orders': ((res) => res.writeHead(500).end()) as Route }, 'answered 500'],
    ['/stock is no stock', { '/stock': json({ burger: 'many' }) }, 'pizza'],
    ['/stock is not there', { '/stock': ((res) => res.writeHead(404).end()) as Route }, 'answered 404'],
  ])('fails, and names the address, when %s', async (_, routes, problem) => {
    const stock = { burger: 1, pizza: 1, salad: 1 }
    const url = await serve({ '/orders': json([]), '/stock': json(stock), ...routes })
    const read = async () => {
      const { orders } = await collect({ order: url, inventory: url, initial: stock })
      for await (const _ of orders);
    }

    await expect(read()).rejects.toThrow(problem)
    await expect(read()).rejects.toThrow(`GET ${url}/`)
  })
})
