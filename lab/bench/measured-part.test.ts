import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Order, OrderStatus } from '@lab/common/domain/order.ts'
import { newOrderId } from '@lab/common/ids.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { watchCompletions } from './measured-part.ts'

describe('watchCompletions', () => {
  test('counts an order once, when it is reserved or failed and not before', async () => {
    const { completions, publish } = await watch()
    const [a, b] = [newOrderId(), newOrderId()]
    publish([a, 'placed'], [a, 'reserved'], [a, 'reserved'], [b, 'placed'])
    const seen: number[] = []
    const both = completions.reached(2, (done) => seen.push(done))
    expect(await settled(both)).toBe(false)

    publish([b, 'failed'])

    await both
    expect(seen.at(-1)).toBe(2)
  })

  test('reads the orders when the stream was away, so that none is missed', async () => {
    const missed = newOrderId()
    const { completions, disconnect } = await watch({ orders: [order(missed, 'reserved')] })

    disconnect()

    await completions.reached(1, () => {})
  })

  test('says that it did not drain when nothing completes any more', async () => {
    const open = newOrderId()
    const { completions } = await watch({ orders: [order(open, 'placed')] })

    await expect(completions.reached(1, () => {})).rejects.toThrow('did not drain: 0 of 1 orders completed')
  })
})

type Update = [order_id: string, status: OrderStatus]

async function watch({ orders = [] as Order[] } = {}) {
  const clients = new Set<ServerResponse>()
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': attached\n\n')
    clients.add(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { signal } = new AbortController()
  const completions = await watchCompletions(url, { readOrders: async () => orders, stallMs: 400, signal })
  onTestFinished(async () => {
    await completions.close()
    server.closeAllConnections()
    server.close()
  })
  const publish = (...updates: Update[]) => {
    const data = updates.map(([order_id, status]) => ({ order_id, status, at: 1 }))
    for (const client of clients) client.write(`event: orders\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const disconnect = () => {
    for (const client of clients) client.destroy()
    clients.clear()
  }
  return { completions, publish, disconnect }
}

const order = (order_id: string, status: OrderStatus): Order => ({
  order_id,
  item: 'salad',
  quantity: 1,
  status,
  timestamp: 1,
})

const settled = (promise: Promise<unknown>) =>
  Promise.race([promise.then(() => true), new Promise((resolve) => setTimeout(resolve, 150, false))])
