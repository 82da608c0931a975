import { OrderPlaced } from '@lab/common/domain/events.ts'
import { ORDERS_SCHEMA } from '@lab/common/order-store.ts'
import { badOrders, badRequests } from '@lab/common/testing/builders.ts'
import { openStore } from '@lab/kit/store.ts'
import pino from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectBroker } from '../broker/connection.ts'
import { createOutbox, OUTBOX_SCHEMA } from '../outbox/outbox.ts'
import { buildApp } from './app.ts'
import { DEAD_LETTERS_SCHEMA } from './dead-letters.ts'

/** The service as it is while its broker is away: nobody listens on port 1. */
async function setup({ outboxLimit = 100 } = {}) {
  const log = pino({ level: 'silent' })
  const store = openStore('order-service', undefined, ORDERS_SCHEMA + OUTBOX_SCHEMA + DEAD_LETTERS_SCHEMA)
  const broker = await connectBroker({
    url: 'amqp://127.0.0.1:1',
    name: 'test',
    ladderMs: [1_000],
    retryForMs: 0,
    log,
  })
  const service = 'order-service'
  const app = await buildApp({ service, log, store, broker, prefetch: 10, window: 10, outboxLimit })
  onTestFinished(() => app.close())
  const outbox = createOutbox(store)
  const place = (payload: object, headers = {}) =>
    app.inject({ method: 'POST', url: '/order', payload, headers })
  return { app, outbox, place }
}

describe('order-service while the broker is away', () => {
  test('answers 202 and keeps the order with the event that announces it', async () => {
    const { app, outbox, place } = await setup()
    const answer = await place({ item: 'pizza', quantity: 2 })

    expect(answer.statusCode).toBe(202)
    expect(answer.json()).toMatchObject({ item: 'pizza', quantity: 2, status: 'placed' })
    expect(answer.headers.location).toBe(`/orders/${answer.json().order_id}`)
    expect((await app.inject(`/orders/${answer.json().order_id}`)).json()).toEqual(answer.json())
    const [row] = outbox.after(0, 10)
    expect(OrderPlaced.parse(JSON.parse(row?.body ?? ''))).toMatchObject({ data: answer.json() })
  })

  test('is alive, and says that it is not ready', async () => {
    const { app, place } = await setup()
    await place({ item: 'pizza', quantity: 2 })

    expect((await app.inject('/health')).json()).toMatchObject({ status: 'ok', outbox: 1 })
    const ready = await app.inject('/ready')
    expect(ready.statusCode).toBe(503)
    expect(ready.json()).toMatchObject({
      ready: false,
      checks: { broker: expect.stringContaining('connecting') },
    })
  })

  test('answers 503 beyond the outbox limit, and stores nothing of that', async () => {
    const { app, place } = await setup({ outboxLimit: 2 })
    for (const expected of [202, 202, 503])
      expect((await place({ item: 'salad', quantity: 1 })).statusCode).toBe(expected)

    expect((await place({ item: 'salad', quantity: 1 })).json().code).toBe('LAB_OVERLOADED')
    expect((await app.inject('/orders')).json()).toHaveLength(2)
  })

  test('announces an order once, however often its Idempotency-Key is sent', async () => {
    const { outbox, place } = await setup()
    const key = { 'idempotency-key': 'k1' }
    const first = await place({ item: 'salad', quantity: 1 }, key)
    const again = await place({ item: 'salad', quantity: 1 }, key)

    expect(again.json().order_id).toBe(first.json().order_id)
    expect(outbox.depth()).toBe(1)
    expect((await place({ item: 'salad', quantity: 2 }, key)).statusCode).toBe(422)
  })

  test('keeps the trace of the caller', async () => {
    const { outbox, place } = await setup()
    const traceId = 'a'.repeat(32)
    await place({ item: 'salad', quantity: 1 }, { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` })

    expect(JSON.parse(outbox.after(0, 1)[0]?.body ?? '').traceparent).toContain(traceId)
  })
})

describe('bad input', () => {
  test.each(badOrders)('$why is refused by name and announces nothing', async ({ body, field }) => {
    const { app, outbox } = await setup()
    const payload = JSON.stringify(body)
    const headers = { 'content-type': 'application/json' }
    const answer = await app.inject({ method: 'POST', url: '/order', payload, headers })

    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors.map((error: { field: string }) => error.field)).toContain(field)
    expect(outbox.depth()).toBe(0)
  })

  test.each(badRequests)('$why is refused', async ({ payload, contentType, statuses }) => {
    const { app, outbox } = await setup()
    const headers = contentType === undefined ? {} : { 'content-type': contentType }
    const answer = await app.inject({ method: 'POST', url: '/order', payload, headers })

    expect(statuses).toContain(answer.statusCode)
    expect(outbox.depth()).toBe(0)
  })
})
