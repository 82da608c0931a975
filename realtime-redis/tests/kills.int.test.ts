import { waitFor } from '@lab/kit/wait.ts'
import { localObstacle } from '@lab/stack/fixtures/lab.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { PizzaOrder } from '../redis/schemas.ts'
import { STATUSES } from '../redis/statuses.ts'
import { Api, allOrders, lookInto, offer, openPlatform, type Platform, WAY, Window } from './platform.ts'

const obstacle = await localObstacle('redis')

describe.skipIf(obstacle)('a platform whose processes are killed', () => {
  let platform: Platform
  let api: Api

  beforeAll(async () => {
    platform = await openPlatform({ REDIS_TIMEOUT_MS: '500' })
    api = new Api(platform.url)
  })
  afterAll(() => platform?.close())

  /** Clients that go on until they fail; what each was told last of its orders. */
  function work(clients: number) {
    const told = new Map<string, PizzaOrder>()
    let isDone = false
    const client = async () => {
      while (!isDone) {
        let order: PizzaOrder = await api.create()
        told.set(order.id, order)
        for (const [, ask] of WAY) {
          const { status, body } = await api.step(order.id, ask)
          if (status !== 200) throw new Error(String(status))
          order = body
          told.set(order.id, order)
        }
      }
    }
    const ended = Promise.allSettled(Array.from({ length: clients }, client))
    return {
      told,
      end: async () => {
        isDone = true
        await ended
      },
    }
  }

  /** Nothing that was acknowledged is gone: each order is as it was told, or has come further by a step nobody was told of. */
  async function nothingIsLost(told: Map<string, PizzaOrder>) {
    const now = await allOrders(api)
    for (const [id, order] of told) {
      const further = STATUSES.indexOf(now[id]!.status) - STATUSES.indexOf(order.status)
      expect([id, further >= 0]).toEqual([id, true])
      const trail = (await api.get(`/api/orders/${id}/events`)).body as { order: PizzaOrder }[]
      expect(trail.map((event) => event.order)).toContainEqual(order)
    }
  }

  /** All orders as they are, at last: nothing changes them any more. */
  const shows = async (window: Window) => {
    const orders = await allOrders(api)
    await expect.poll(() => window.shown(), { timeout: 15_000 }).toEqual(orders)
  }

  test('keeps what was acknowledged when the service is killed, and its windows go on', async () => {
    const window = await new Window().open(platform.url)
    const { told, end } = work(10)
    await waitFor('some orders', () => told.size >= 30)
    await platform.service.kill()
    await end()
    await waitFor('the loss to be noticed', () => window.closed !== undefined)
    await platform.service.start()
    await nothingIsLost(told)
    await window.open(platform.url)
    expect(window.controls.at(-1)).toBe('stream.resumed')
    await shows(window)
    window.close()
  })

  test('keeps what was acknowledged when Redis is killed; windows say that they may be old, then that they are not', async () => {
    const window = await new Window().open(platform.url)
    onTestFinished(() => window.close())
    const { told, end } = work(10)
    await waitFor('some orders', () => told.size >= 30)
    await platform.redis.control!.kill()
    await end()
    await waitFor('the window to say so', () => window.controls.at(-1) === 'stream.stale')
    expect((await api.get('/ready')).status).toBe(503)
    for (const ask of [
      () => api.get('/api/orders'),
      () => api.get('/api/state'),
      () => api.post('/api/orders', offer()),
    ]) {
      const { status, body, headers } = await ask()
      expect([status, body.code, headers.get('retry-after')]).toEqual([
        503,
        'LAB_DEPENDENCY_UNAVAILABLE',
        '1',
      ])
    }
    expect((await api.get('/metrics')).body).toMatch(/pizza_redis_up\{[^}]*\} 0/)
    const late = new Window()
    onTestFinished(() => late.close())
    late.connect(platform.url)
    await waitFor('a late window to be told', () => late.controls.at(-1) === 'stream.stale')

    await platform.redis.control!.start()
    await waitFor('it to heal', async () => (await api.get('/ready')).status === 200)
    await nothingIsLost(told)
    await waitFor('the windows', () => window.isLive && late.isLive && window.seq === late.seq)
    expect(window.controls).toEqual(['stream.snapshot', 'stream.stale', 'stream.live'])
    await api.orderAt('delivered')
    for (const one of [window, late]) await shows(one)
  })

  test('answers 503 in bounded time while Redis is frozen, and goes on when it is not', async () => {
    const order = await api.create()
    await platform.redis.control!.pause()
    try {
      const asked = await Promise.all([
        api.get('/api/orders'),
        api.post('/api/orders', offer()),
        api.step(order.id, WAY[0]![1]),
      ])
      expect(asked.map(({ status }) => status)).toEqual([503, 503, 503])
      await waitFor('it to say so', async () => (await api.get('/ready')).status === 503)
      expect((await api.get('/health')).status).toBe(200)
    } finally {
      await platform.redis.control!.resume()
    }
    await waitFor('it to heal', async () => (await api.get('/ready')).status === 200)
    await api.orderAt('delivered')
  })

  test('takes an offer once that was sent again after nobody could say what became of it', async () => {
    const key = { 'idempotency-key': 'once' }
    await platform.redis.control!.pause()
    // Written to its socket, and read when it is awake again.
    const unknown = await api.post('/api/orders', offer({ pizza_name: 'Once' }), key)
    await platform.redis.control!.resume()
    expect(unknown.status).toBe(503)
    const answer = await waitFor('an answer', async () => {
      const answer = await api.post('/api/orders', offer({ pizza_name: 'Once' }), key)
      return answer.status === 201 && answer
    })
    const all = Object.values(await allOrders(api)).filter(({ pizza_name }) => pizza_name === 'Once')
    expect(all.map(({ id }) => id)).toEqual([answer.body.id])
  })

  test('shows another data set as what it is, be it empty or an older one of the same', async () => {
    const window = await new Window().open(platform.url)
    onTestFinished(() => window.close())
    const inside = await lookInto(platform)
    onTestFinished(() => inside.destroy())
    const again = async () => {
      await waitFor('the break', () => window.closed?.code === 1012)
      await window.open(platform.url)
      expect(window.controls.at(-1)).toBe('stream.snapshot')
      await shows(window)
    }
    const { epoch } = window
    await inside.flushDb()
    await again()
    expect(window.orders.size).toBe(0)
    expect(window.epoch).not.toBe(epoch)

    for (let at = 0; at < 5; at++) await api.create()
    await waitFor('five orders', () => window.orders.size === 5)
    for (let at = 0; at < 5; at++) await api.create()
    await waitFor('ten orders', () => window.orders.size === 10)
    const then = window.epoch!
    // As a log whose end was lost in a crash leaves it: less, under the same epoch.
    await inside.multi().set('stream:seq', 5).del('stream:pizza_orders').exec()
    await again()
    expect(window.epoch).not.toBe(then)
  })
})
