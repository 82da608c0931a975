import pino from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { PlaceOrder } from '../domain/order.ts'
import { badOrders, badRequests } from '../testing/builders.ts'
import { LabError } from './errors.ts'
import { Faults } from './faults.ts'
import { createHttpApp, type HttpApp } from './http.ts'
import { createMetrics } from './metrics.ts'
import { serviceRoutes } from './service-routes.ts'

let app: HttpApp
let stored: unknown[]
let isReady: string

beforeEach(async () => {
  stored = []
  isReady = 'ok'
  const metrics = createMetrics('test-service')
  app = await createHttpApp({
    service: 'test-service',
    description: 'A test',
    log: pino({ level: 'silent' }),
    metrics,
  })
  await app.register(
    serviceRoutes({
      service: 'test-service',
      faults: new Faults(),
      metrics,
      readiness: () => ({ broker: isReady }),
    }),
  )
  app.post(
    '/order',
    { schema: { body: PlaceOrder, response: { 200: z.object({ ok: z.boolean() }) } } },
    async ({ body }) => {
      stored.push(body)
      return { ok: true }
    },
  )
  app.get('/secret', async () => {
    throw new Error('the password is hunter2')
  })
  app.get('/busy', async () => {
    throw new LabError('LAB_OVERLOADED', 'the outbox is full', { retryable: true })
  })
})
afterEach(() => app.close())

describe('an HTTP app of the kit', () => {
  test.each(badOrders)('answers $why with a problem that names $field', async ({ body, field }) => {
    const res = await app.inject({
      method: 'POST',
      url: '/order',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(body),
    })

    expect(res.statusCode).toBe(400)
    expect(res.headers['content-type']).toContain('application/problem+json')
    expect(res.json().errors.map((error: { field: string }) => error.field)).toContain(field)
    expect(stored).toEqual([])
  })

  test('names the value that was sent', async () => {
    const res = await app.inject({
      method: 'POST',
      url: '/order',
      payload: { item: 'burger', quantity: 1e9 },
    })
    expect(res.json().detail).toContain('quantity')
    expect(res.json().detail).toContain('1000000000')
  })

  test.each(badRequests)('refuses $why', async ({ payload, contentType, statuses }) => {
    const headers = contentType === undefined ? {} : { 'content-type': contentType }
    const res = await app.inject({ method: 'POST', url: '/order', headers, payload })

    expect(statuses).toContain(res.statusCode)
    expect(res.json()).toMatchObject({
      code: expect.stringMatching(/^LAB_/),
      detail: expect.stringContaining('body'),
    })
    expect(stored).toEqual([])
  })

  test('names a key that is empty', async () => {
    const res = await app.inject({
      method: 'POST',
      url: '/order',
      payload: { item: 'pizza', quantity: 1, '': 0 },
    })

    expect(res.json()).toMatchObject({ status: 400, errors: [{ field: '""' }] })
  })

  test('says that it was the request when Fastify refuses its method', async () => {
    const res = await app.inject({ method: 'QUERY', url: '/order' })

    expect(res.json()).toMatchObject({ status: 400, detail: expect.stringMatching(/^request: /) })
  })

  test('answers an unexpected error with 500 and keeps its message to itself', async () => {
    const res = await app.inject('/secret')
    expect(res.statusCode).toBe(500)
    expect(res.body).not.toContain('hunter2')
  })

  test('asks to retry later when it is overloaded', async () => {
    const res = await app.inject('/busy')
    expect(res.statusCode).toBe(503)
    expect(res.headers['retry-after']).toBe('1')
    expect(res.json().detail).toBe('the outbox is full')
  })

  test('answers 404 to an unknown path and to a wrong method', async () => {
    expect((await app.inject('/nothing')).statusCode).toBe(404)
    expect((await app.inject({ method: 'PUT', url: '/order', payload: {} })).statusCode).toBe(404)
  })

  test('is ready only when every check is ok', async () => {
    expect((await app.inject('/ready')).statusCode).toBe(200)
    isReady = 'reconnecting'
    const res = await app.inject('/ready')
    expect(res.statusCode).toBe(503)
    expect(res.json()).toEqual({ ready: false, checks: { broker: 'reconnecting' } })
  })

  test('shows active faults in /health and clears them', async () => {
    await app.inject({ method: 'POST', url: '/admin/fail', payload: { enabled: true } })
    expect((await app.inject('/health')).json()).toMatchObject({
      status: 'ok',
      service: 'test-service',
      faults: { fail: true },
    })
    await app.inject({ method: 'DELETE', url: '/admin/faults' })
    expect((await app.inject('/admin/faults')).json()).toEqual({
      delay_seconds: 0,
      fail: false,
      expires_at: null,
    })
  })

  test.each([{ seconds: -1 }, { seconds: '2' }, { seconds: 1e9 }, {}])(
    'refuses the delay %j',
    async (payload) => {
      const res = await app.inject({ method: 'POST', url: '/admin/delay', payload })
      expect(res.statusCode).toBe(400)
      expect(res.json().errors[0].field).toBe('seconds')
    },
  )

  test('serves metrics and an OpenAPI document', async () => {
    expect((await app.inject('/metrics')).body).toContain('http_request_duration_seconds')
    const doc = (await app.inject('/docs/json')).json()
    expect(Object.keys(doc.paths)).toEqual(expect.arrayContaining(['/order', '/health', '/admin/delay']))
  })
})
