import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { openRaw } from '@lab/kit/testing/raw-client.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newOrderId } from './ids.ts'
import { orderRoutes } from './order-routes.ts'
import { OrderStream, type OrderUpdate } from './order-stream.ts'
import { readUpdates } from './testing/update-reader.ts'

async function listen(maxClients?: number) {
  const stream = new OrderStream(maxClients)
  const log = createLog('test', 'silent')
  const metrics = createMetrics('test')
  const app = await createHttpApp({
    part: 'test',
    service: 'test',
    description: 'A test',
    log,
    metrics,
    faults: new Faults(),
  })
  await app.register(
    orderRoutes({ orders: { get: () => undefined, page: () => ({ rows: [], next: undefined }) }, stream }),
  )
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  const connections = async () =>
    Number(/^lab_http_connections\{.*\} (\d+)$/m.exec(await metrics.registry.metrics())?.[1])
  return { stream, url, connections }
}

const updates = (count: number): OrderUpdate[] =>
  Array.from({ length: count }, () => ({ order_id: newOrderId(), status: 'reserved', at: 1 }))

const REQUEST = 'GET /orders/stream HTTP/1.1\r\nhost: a\r\n\r\n'

describe('GET /orders/stream', () => {
  test('answers 503 beyond its readers, and takes one again when one has left', async () => {
    const { url } = await listen(3)
    const readers = await Promise.all([1, 2, 3].map(() => readUpdates(url)))

    for (let i = 0; i < 20; i++) {
      const refused = await fetch(`${url}/orders/stream`)
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBe('1')
      expect(await refused.json()).toMatchObject({ code: 'LAB_OVERLOADED', status: 503 })
    }
    await readers[0]?.close()
    const next = await waitFor('a free place', () => readUpdates(url).catch(() => undefined))
    await Promise.all([next, ...readers].map((reader) => reader.close()))
  })

  test('is not opened by HEAD, which is told what GET would be answered and ends', async () => {
    const { url } = await listen(1)
    for (let i = 0; i < 3; i++) {
      const head = await fetch(`${url}/orders/stream`, { method: 'HEAD' })
      expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    }
    await (await readUpdates(url)).close()
  })

  test('drops a reader that does not read, and tells the others everything', async () => {
    const { stream, url, connections } = await listen()
    const reader = await readUpdates(url)
    const stuck = await Promise.all(Array.from({ length: 8 }, () => openRaw(url)))
    for (const { socket, send } of stuck) {
      send(REQUEST)
      socket.pause()
    }
    await waitFor('all to be connected', async () => (await connections()) === 9)
    const before = process.memoryUsage().rss
    let published = 0
    await waitFor(
      'the stuck readers to be dropped',
      () => {
        stream.publish(updates(5_000))
        published += 5_000
        return connections().then((open) => open === 1)
      },
      { everyMs: 10, timeoutMs: 30_000 },
    )

    await waitFor('all updates', () => reader.updates.length === published, { timeoutMs: 30_000 })
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024)
    await reader.close()
    for (const { socket } of stuck) socket.destroy()
  }, 60_000)
})
