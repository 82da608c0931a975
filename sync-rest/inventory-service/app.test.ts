import { ITEMS } from '@lab/common/domain/order.ts'
import { derivedId, newOrderId } from '@lab/common/ids.ts'
import { createLog } from '@lab/kit/log.ts'
import { openStore, type Store } from '@lab/kit/store.ts'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { buildApp } from './app.ts'
import { createReservations, type ReserveCommand, SCHEMA } from './reservations.ts'

const initial = { burger: 10, pizza: 10, salad: 10 }
const memory = () => openStore('inventory-service', undefined, SCHEMA)

async function open(store: Store = memory()) {
  const reservations = createReservations(store, initial)
  const log = createLog('inventory-service', 'silent')
  const app = await buildApp({ service: 'inventory-service', log, reservations })
  onTestFinished(() => app.close())
  const post = async (url: string, payload: object) => {
    const res = await app.inject({ method: 'POST', url, payload })
    return { status: res.statusCode, body: res.json() }
  }
  const reserve = (command: Partial<ReserveCommand> = {}) =>
    post('/reserve', { order_id: newOrderId(), item: 'burger', quantity: 3, ...command })
  const burgers = async () => (await app.inject('/stock')).json().burger
  return { app, post, reserve, burgers, store }
}

describe('inventory-service on POST /reserve', () => {
  test('reserves what is there and refuses what is not', async () => {
    const { reserve, burgers } = await open()

    expect(await reserve({ quantity: 7 })).toMatchObject({ status: 200, body: { status: 'reserved' } })
    expect(await reserve({ quantity: 4 })).toMatchObject({
      status: 409,
      body: { status: 'failed', reason: 'out_of_stock' },
    })
    expect(await burgers()).toBe(3)
  })

  test('answers a repeat as it decided, though the stock has changed', async () => {
    const { reserve, burgers } = await open()
    const [first, refused] = [newOrderId(), newOrderId()]
    await reserve({ order_id: first, quantity: 7 })
    await reserve({ order_id: refused, quantity: 4 })

    expect(await reserve({ order_id: first, quantity: 7 })).toMatchObject({ status: 200 })
    expect(await reserve({ order_id: refused, quantity: 4 })).toMatchObject({ status: 409 })
    expect(await burgers()).toBe(3)
  })

  test('decides a request that is sent twice at once only once', async () => {
    const { reserve, burgers } = await open()
    const order_id = newOrderId()

    await Promise.all(Array.from({ length: 5 }, () => reserve({ order_id })))

    expect(await burgers()).toBe(7)
  })

  test('refuses the order_id of another order', async () => {
    const { reserve, burgers } = await open()
    const order_id = newOrderId()
    await reserve({ order_id })

    const other = await reserve({ order_id, quantity: 4 })

    expect([other.status, other.body.code]).toEqual([422, 'LAB_KEY_REUSED'])
    expect(await burgers()).toBe(7)
  })

  test('moves nothing while it fails by request', async () => {
    const { post, reserve, burgers } = await open()
    await post('/admin/fail', { enabled: true })

    expect(await reserve()).toMatchObject({ status: 500, body: { code: 'LAB_FAULT_INJECTED' } })
    await post('/admin/fail', { enabled: false })
    expect(await burgers()).toBe(10)
  })
})

describe('inventory-service on POST /release', () => {
  test('gives the stock back once', async () => {
    const { post, reserve, burgers } = await open()
    const order_id = newOrderId()
    await reserve({ order_id })

    expect((await post('/release', { order_id })).body).toEqual({ order_id, released: true })
    expect((await post('/release', { order_id })).body).toEqual({ order_id, released: false })
    expect(await burgers()).toBe(10)
  })

  test('refuses a reserve that arrives after it', async () => {
    const { post, reserve, burgers } = await open()
    const order_id = newOrderId()

    expect((await post('/release', { order_id })).body).toEqual({ order_id, released: false })
    expect(await reserve({ order_id })).toMatchObject({
      status: 409,
      body: { status: 'failed', reason: 'timeout' },
    })
    expect(await burgers()).toBe(10)
  })
})

describe('the stock', () => {
  test('is filled only when the store is new', async () => {
    const store = memory()
    const { reserve } = await open(store)
    await reserve()

    expect(createReservations(store, initial).stock().burger).toBe(7)
  })

  test('is left + reserved, never negative, after any calls in any order', async () => {
    const order = fc.record({
      order_id: fc.integer({ min: 0, max: 9 }).map((n) => derivedId('order', String(n))),
      item: fc.constantFrom(...ITEMS),
      quantity: fc.integer({ min: 1, max: 8 }),
    })
    const call = fc.oneof(order, order, fc.record({ release: order.map(({ order_id }) => order_id) }))

    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 40 }), async (calls) => {
        const store = memory()
        const { reserve, release, stock } = createReservations(store, initial)
        await Promise.all(calls.map((call) => ('release' in call ? release(call.release) : reserve(call))))

        const reserved = store.db.prepare(
          "SELECT coalesce(sum(quantity), 0) AS n FROM reservations WHERE item = ? AND state = 'reserved'",
        )
        for (const item of ITEMS) expect(stock()[item] + Number(reserved.get(item)?.n)).toBe(initial[item])
        store.close()
      }),
      { numRuns: 50 },
    )
  })
})
