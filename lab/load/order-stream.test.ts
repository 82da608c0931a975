import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Order, OrderStatus } from '@lab/common/domain/order.ts'
import { anOrder } from '@lab/common/testing/builders.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openOrderStream } from './order-stream.ts'
import { openServiceClient } from './service-client.ts'

describe('order stream client', () => {
  test('sees an order complete by its event', async () => {
    const { service, stream } = await setup()
    const order = service.add('placed')

    const completed = stream.completed([order.order_id], reserved())
    service.publish(order.order_id, 'placed')
    service.publish(order.order_id, 'reserved')

    expect(await completed).toEqual([
      { order_id: order.order_id, status: 'reserved', completedAt: expect.any(Number) },
    ])
    expect(service.reads).toBe(0)
  })

  test('sees an order that completed before anyone waited for it', async () => {
    const { service, stream } = await setup()
    const order = service.add('reserved')
    service.publish(order.order_id, 'reserved')
    await waitFor('the event', () => stream.seen(order.order_id).length === 1)

    const [completion] = await stream.completed([order.order_id], reserved())

    expect(completion?.completedAt).toEqual(expect.any(Number))
  })

  test('reads the order after a reconnect, and gives it no moment of completion', async () => {
    const { service, stream } = await setup()
    const order = service.add('placed')
    const completed = stream.completed([order.order_id], reserved())

    service.cut()
    order.status = 'reserved'

    expect(await completed).toEqual([
      { order_id: order.order_id, status: 'reserved', completedAt: undefined },
    ])
    expect(stream.reconnects()).toBe(1)
  })

  test('reads the order at the deadline when its event was missed', async () => {
    const { service, stream } = await setup()
    const order = service.add('reserved')

    const [completion] = await stream.completed([order.order_id], reserved({ timeoutMs: 50 }))

    expect(completion).toMatchObject({ status: 'reserved', completedAt: undefined })
  })

  test('gives up with what it waited for and what it saw', async () => {
    const { service, stream } = await setup()
    const order = service.add('placed')
    service.publish(order.order_id, 'placed')

    await expect(stream.completed([order.order_id], reserved({ timeoutMs: 50 }))).rejects.toThrow(
      `gave up after 0.05 s: 1 of 1 orders are not reserved; of ${order.order_id} was seen: placed`,
    )
  })

  test('ends at once when the run is aborted', async () => {
    const { service, stream, abort } = await setup()
    const order = service.add('placed')
    const completed = stream.completed([order.order_id], reserved())

    abort()

    await expect(completed).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('rejects when nobody answers', async () => {
    const url = 'http://127.0.0.1:1'
    const orders = openServiceClient(url)
    onTestFinished(() => orders.close())

    await expect(openOrderStream(url, { orders, signal: new AbortController().signal })).rejects.toThrow(
      'GET /orders/stream cannot be read',
    )
  })
})

const reserved = ({ timeoutMs = 5_000 } = {}) => ({
  passes: (status: OrderStatus) => status === 'reserved',
  what: 'reserved',
  timeoutMs,
})

async function setup() {
  const service = await startService()
  const controller = new AbortController()
  const orders = openServiceClient(service.url)
  const stream = await openOrderStream(service.url, { orders, signal: controller.signal })
  onTestFinished(async () => {
    await stream.close()
    await orders.close()
    await service.close()
  })
  return { service, stream, abort: () => controller.abort() }
}

/** The two routes the client reads, over real HTTP. */
async function startService() {
  const orders = new Map<string, Order>()
  const readers = new Set<ServerResponse>()
  let reads = 0
  const server = createServer((request, response) => {
    if (request.url === '/orders/stream') {
      readers.add(response)
      response.on('close', () => readers.delete(response))
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': order updates follow\n\n')
      return
    }
    reads++
    const order = orders.get(request.url?.split('/').at(-1) ?? '')
    response.writeHead(order ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(order))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get reads() {
      return reads
    },
    add(status: OrderStatus) {
      const order = anOrder({ status })
      orders.set(order.order_id, order)
      return order
    },
    publish(order_id: string, status: OrderStatus) {
      const data = JSON.stringify([{ order_id, status, at: Date.now() / 1_000 }])
      for (const reader of readers) reader.write(`event: orders\ndata: ${data}\n\n`)
    },
    cut() {
      for (const reader of readers) reader.destroy()
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
