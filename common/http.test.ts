import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { LabError } from '@lab/kit/errors.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp, type HttpApp } from '@lab/kit/http.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { PlaceOrder } from './domain/order.ts'
import { badOrders, badRequests } from './testing/builders.ts'

let app: HttpApp
let stored: unknown[]
let isReady: string
let faults: Faults

beforeEach(async () => {
  stored = []
  isReady = 'ok'
  faults = new Faults()
  const metrics = createMetrics('test-service')
  app = await createHttpApp({
    part: 'test-part',
    service: 'test-service',
    description: 'A test',
    log: createLog('test-service', 'silent'),
    metrics,
    faults,
    peers: { 'other-service': 'http://127.0.0.1:8001' },
  })
  await app.register(
    serviceRoutes({
      service: 'test-service',
      faults,
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
  app.get('/order', async () => 'placed before')
  app.get('/orders/bulk/:id', async () => 'one')
  app.post('/orders/bulk', async () => 'many')
  app.get('/orders/:id', async () => 'one')
  app.get('/secret', async () => {
    throw new Error('the password is hunter2')
  })
  app.get('/busy', async () => {
    throw new LabError('LAB_OVERLOADED', 'the outbox is full', { retryable: true })
  })
})
afterEach(() => app.close())

describe('an HTTP app of the kit that takes orders', () => {
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

  test('answers 404 to an unknown path, whatever the method', async () => {
    for (const method of ['GET', 'PUT', 'OPTIONS', 'PROPFIND'] as const)
      expect((await app.inject({ method: method as 'GET', url: '/nothing' })).statusCode).toBe(404)
  })

  test.each([
    ['PUT', '/order', 'GET, HEAD, OPTIONS, POST'],
    ['QUERY', '/order', 'GET, HEAD, OPTIONS, POST'],
    ['DELETE', '/%6frder', 'GET, HEAD, OPTIONS, POST'],
    ['POST', '/health', 'GET, HEAD, OPTIONS'],
    ['POST', '/orders/7', 'GET, HEAD, OPTIONS'],
    // Its own path, though the parameter of another route would take it.
    ['GET', '/orders/bulk', 'OPTIONS, POST'],
    ['DELETE', '/', 'GET, HEAD, OPTIONS'],
  ])('answers 405 to %s %s, with what is allowed', async (method, url, allow) => {
    const res = await app.inject({ method: method as 'GET', url })

    expect(res.statusCode).toBe(405)
    expect(res.headers.allow).toBe(allow)
    expect(res.json()).toMatchObject({
      code: 'LAB_METHOD_NOT_ALLOWED',
      detail: expect.stringContaining(allow),
    })
  })

  test('answers OPTIONS with what is allowed, and HEAD as GET without its body', async () => {
    const options = await app.inject({ method: 'OPTIONS', url: '/order' })
    expect(options.statusCode).toBe(204)
    expect(options.headers.allow).toBe('GET, HEAD, OPTIONS, POST')
    expect(await app.inject({ method: 'HEAD', url: '/order' })).toMatchObject({ statusCode: 200, body: '' })
  })

  test.each(['/health?x=1', '/order?limit=2&y', '/?x=', '/admin/faults?x=1', '/metrics?name=a'])(
    'refuses a query that nobody reads: GET %s',
    async (url) => {
      const res = await app.inject(url)
      const names = [...new URLSearchParams(url.split('?')[1]).keys()]

      expect(res.statusCode).toBe(400)
      expect(res.json().errors.map(({ field }: { field: string }) => field)).toEqual(names)
    },
  )

  test.each([
    { encoding: 'gzip', payload: '{"item":"burger","quantity":1}' },
    { encoding: 'gzip', payload: gzipSync('{"item":"burger","quantity":1}') },
    { encoding: 'identity, BR', payload: '{"item":"burger","quantity":1}' },
    { encoding: 'deflate', payload: '' },
    { encoding: 'nonsense', payload: '{"item":' },
    { encoding: 'gzip', payload: Readable.from(['{"item":"burger",', '"quantity":1}']) },
  ])('refuses a body in the encoding $encoding, which it names', async ({ encoding, payload }) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding }
    const res = await app.inject({ method: 'POST', url: '/order', headers, payload })

    expect(res.statusCode).toBe(415)
    expect(res.headers['accept-encoding']).toBe('identity')
    expect(res.json()).toMatchObject({
      code: 'LAB_CONTENT_ENCODING',
      detail: expect.stringContaining(encoding),
      errors: [{ field: 'content-encoding', value: encoding }],
    })
    expect(stored).toEqual([])
  })

  test.each(['identity', 'Identity', ''])('takes a body in the encoding %j', async (encoding) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding }
    const payload = { item: 'burger', quantity: 1 }

    expect((await app.inject({ method: 'POST', url: '/order', headers, payload })).statusCode).toBe(200)
    expect(stored).toEqual([payload])
  })

  test('fails every business route while told to, reads included, and none of its own', async () => {
    faults.setFail(true)
    const business = [
      { method: 'GET', url: '/order' },
      { method: 'HEAD', url: '/order' },
      { method: 'GET', url: '/orders/7' },
      { method: 'POST', url: '/order', payload: { item: 'burger', quantity: 1 } },
    ] as const
    for (const request of business) expect((await app.inject(request)).statusCode).toBe(500)
    for (const url of ['/', '/health', '/ready', '/metrics', '/docs', '/docs/json', '/admin/faults'])
      expect((await app.inject(url)).statusCode).toBe(200)
    expect((await app.inject({ method: 'POST', url: '/order', payload: {} })).statusCode).toBe(400)

    await app.inject({ method: 'DELETE', url: '/admin/faults' })
    expect((await app.inject('/order')).statusCode).toBe(200)
    expect(stored).toEqual([])
  })

  test('says at / where everything is: a page, or JSON for whoever asks for it', async () => {
    const page = await app.inject({
      url: '/',
      headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
    })
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    for (const link of ['/docs', '/health', '/ready', '/metrics', 'http://127.0.0.1:8001'])
      expect(page.body).toContain(`href="${link}"`)
    expect(page.body).toContain('<title>test-part · test-service</title>')

    const json = await app.inject({ url: '/', headers: { accept: 'application/json' } })
    expect(json.json()).toMatchObject({
      part: 'test-part',
      service: 'test-service',
      links: { docs: '/docs', health: '/health' },
      peers: { 'other-service': 'http://127.0.0.1:8001' },
    })
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
    expect(doc.info.title).toBe('test-part · test-service')
    expect((await app.inject('/docs')).body).toContain('test-part · test-service')
  })

  test('serves what the page at /docs needs, also by HEAD, and nothing else under it', async () => {
    const page = (await app.inject('/docs')).body
    const needed = [...page.matchAll(/(?:src|href)="(?:\.|\/docs)(\/static\/[^"]+)"/g)]
    expect(needed.length).toBeGreaterThan(3)
    for (const [, path] of needed) {
      const url = `/docs${path}`
      const got = await app.inject(url)
      const head = await app.inject({ method: 'HEAD', url })
      expect([url, got.statusCode, head.statusCode, head.body]).toEqual([url, 200, 200, ''])
      expect(head.headers['content-length'], url).toBe(String(got.rawPayload.length))
      const { etag } = got.headers
      if (typeof etag !== 'string') continue
      expect((await app.inject({ url, headers: { 'if-none-match': etag } })).statusCode).toBe(304)
    }
    expect((await app.inject('/docs/json')).headers['content-type']).toMatch(/^application\/json/)
    expect((await app.inject('/docs/yaml')).body).toContain('openapi: 3.1.0')
    for (const url of ['/docs/nothing', '/docs/static/nothing.js', '/docs/static/..%2f..%2fpackage.json'])
      expect((await app.inject(url)).json()).toMatchObject({ status: 404, code: 'LAB_NOT_FOUND' })
    expect((await app.inject({ method: 'POST', url: '/docs/json', payload: {} })).statusCode).toBe(405)
  })
})
