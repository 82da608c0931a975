import { newOrderId } from '@lab/common/ids.ts'
import { createLog } from '@lab/kit/log.ts'
import { openStore } from '@lab/kit/store.ts'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { buildApp } from './app.ts'
import { SCHEMA } from './orders.ts'
import type { Reply, Upstream } from './upstream.ts'

const ok = (body: unknown): Reply => ({ kind: 'answered', status: 200, text: JSON.stringify(body) })
const timeout: Reply = { kind: 'timeout' }
const refused: Reply = {
  kind: 'answered',
  status: 409,
  text: JSON.stringify({ status: 'failed', reason: 'out_of_stock' }),
}
const unreachable: Reply = { kind: 'unreachable', cause: new Error('ECONNREFUSED') }

type Answers = Partial<Record<'/reserve' | '/release' | '/send', Reply | Promise<Reply>>>

/** The order service with what inventory and notification answer to each path. */
async function open(answers: Answers = {}) {
  const store = openStore('order-service', undefined, SCHEMA)
  const stored: string[] = []
  const post = vi.fn(async (path: string) => {
    const rows = store.db.prepare('SELECT status FROM orders').all()
    stored.push(`${path} while ${rows.map(({ status }) => status)}`)
    const usual = path === '/release' ? timeout : ok({ status: 'reserved' })
    return answers[path as keyof Answers] ?? usual
  })
  const upstream: Upstream = { post, isReachable: async () => true, close: async () => {} }
  const app = await buildApp({
    service: 'order-service',
    log: createLog('order-service', 'silent'),
    store,
    inventory: upstream,
    notification: upstream,
    giveUpAfterMs: 1_000,
  })
  onTestFinished(() => app.close())
  const order = (headers = {}, payload: object = { item: 'pizza', quantity: 2 }) =>
    app.inject({ method: 'POST', url: '/order', payload, headers })
  const get = async (url: string) => (await app.inject(url)).json()
  const pathsOf = () => post.mock.calls.map(([path]) => path)
  return { app, order, get, post, pathsOf, store, stored }
}

describe('order-service on POST /order', () => {
  test('answers 201 notified when both services have answered', async () => {
    const { order, get, pathsOf } = await open()

    const res = await order()

    expect(res.statusCode).toBe(201)
    expect(res.json()).toMatchObject({ item: 'pizza', quantity: 2, status: 'notified' })
    expect(res.headers.location).toBe(`/orders/${res.json().order_id}`)
    expect(await get(`/orders/${res.json().order_id}`)).toEqual(res.json())
    expect(pathsOf()).toEqual(['/reserve', '/send'])
  })

  test.each([
    ['times out', timeout],
    ['fails', { kind: 'answered', status: 500, text: '' } as const],
    ['is away', unreachable],
  ])('answers 201 reserved when notification %s', async (_, reply) => {
    const { order, get } = await open({ '/send': reply })

    const res = await order()

    expect([res.statusCode, res.json().status]).toEqual([201, 'reserved'])
    expect(await get('/health')).toMatchObject({ unsettled: 0 })
  })

  test.each([
    ['refuses', refused, 422, 'failed', 'out_of_stock', 0],
    ['fails', { kind: 'answered', status: 500, text: '' }, 422, 'failed', 'inventory_error', 1],
    ['is away', unreachable, 503, 'failed', 'inventory_unavailable', 0],
    ['breaks off', { kind: 'broken', cause: new Error('x') }, 503, 'failed', 'inventory_unavailable', 1],
    ['times out', timeout, 504, 'timeout', undefined, 1],
  ] as const)('notifies nobody when inventory %s', async (_, reply, code, status, reason, unsettled) => {
    const { order, get, pathsOf } = await open({ '/reserve': reply })

    const res = await order()

    expect(res.statusCode).toBe(code)
    expect([res.json().status, res.json().reason]).toEqual([status, reason])
    expect(await get('/orders')).toEqual([res.json()])
    expect(pathsOf()).not.toContain('/send')
    expect(await get('/health')).toMatchObject({ unsettled })
  })

  test('answers a repeated key as it answered the first, and asks nobody again', async () => {
    const { order, post } = await open({ '/reserve': unreachable })
    const key = { 'idempotency-key': 'k1' }

    const first = await order(key)
    const calls = post.mock.calls.length
    const again = await order(key)

    expect([again.statusCode, again.json()]).toEqual([first.statusCode, first.json()])
    expect(post.mock.calls.length).toBe(calls)
    expect((await order(key, { item: 'pizza', quantity: 3 })).statusCode).toBe(422)
  })

  test('answers 409 while the key is in flight', async () => {
    const reserved = Promise.withResolvers<Reply>()
    const { order, pathsOf } = await open({ '/reserve': reserved.promise })
    const key = { 'idempotency-key': 'k2' }

    const first = order(key)
    await vi.waitFor(() => expect(pathsOf()).toContain('/reserve'))
    expect((await order(key)).json().code).toBe('LAB_KEY_IN_FLIGHT')

    reserved.resolve(ok({ status: 'reserved' }))
    expect((await first).statusCode).toBe(201)
  })

  test('stores each step before it makes the next call', async () => {
    const { order, stored } = await open()

    await order()

    expect(stored).toEqual(['/reserve while placed', '/send while reserved'])
  })

  test('stores nothing of a request it refuses', async () => {
    const { order, get, pathsOf } = await open()

    const res = await order({}, { item: 'sushi', quantity: 0 })

    expect(res.statusCode).toBe(400)
    expect(res.json().errors).toMatchObject([
      { field: 'item', value: '"sushi"' },
      { field: 'quantity', value: '0' },
    ])
    expect(await get('/orders')).toEqual([])
    expect(pathsOf()).toEqual([])
  })
})

describe('order-service with a full store', () => {
  /** The store is full from the moment a call to this path is on its way, until `empty` is called. */
  async function openFull(path: '/reserve' | '/send') {
    const answered = Promise.withResolvers<Reply>()
    const service = await open({ [path]: answered.promise, '/release': ok({ released: true }) })
    const { store, pathsOf } = service
    const { transaction } = store
    const answer = service.order()
    await vi.waitFor(() => expect(pathsOf()).toContain(path))
    store.transaction = () => {
      throw new Error('database or disk is full')
    }
    answered.resolve(ok({ status: 'reserved' }))
    return { ...service, answer: await answer, empty: () => (store.transaction = transaction) }
  }

  test('releases the stock of an order whose outcome it could not store', async () => {
    const { answer, empty, get, pathsOf } = await openFull('/reserve')
    expect(answer.statusCode).toBe(500)
    expect((await get('/orders'))[0]).toMatchObject({ status: 'placed' })

    empty()
    await vi.waitFor(async () => expect((await get('/orders'))[0]).toMatchObject({ status: 'failed' }), {
      timeout: 5_000,
    })
    expect(pathsOf()).toEqual(['/reserve', '/release'])
  })

  test('answers 201 reserved when only the notification could not be stored', async () => {
    const { answer, empty, get } = await openFull('/send')

    expect([answer.statusCode, answer.json().status]).toEqual([201, 'reserved'])
    empty()
    expect(await get('/orders')).toEqual([answer.json()])
  })
})

describe('order-service on close', () => {
  test('finishes the order in flight before the store closes', async () => {
    const reserved = Promise.withResolvers<Reply>()
    const { app, order, pathsOf, store } = await open({ '/reserve': reserved.promise })
    const pending = order()
    await vi.waitFor(() => expect(pathsOf()).toContain('/reserve'))

    const closed = app.close()
    reserved.resolve(ok({ status: 'reserved' }))

    expect((await pending).json().status).toBe('notified')
    await closed
    expect(store.db.isOpen).toBe(false)
  })
})

describe('order-service on GET /orders/:order_id', () => {
  test('answers 404 to an order nobody placed', async () => {
    const { app } = await open()

    const res = await app.inject(`/orders/${newOrderId()}`)

    expect([res.statusCode, res.json().code]).toEqual([404, 'LAB_NOT_FOUND'])
  })
})
