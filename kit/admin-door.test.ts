import pino from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Door } from './door.ts'
import { Faults } from './faults.ts'
import { createHttpApp } from './http.ts'
import { createMetrics } from './metrics.ts'
import { serviceRoutes } from './service-routes.ts'

type Headers = Record<string, string | undefined>

async function open(door: Door = {}) {
  const metrics = createMetrics('test')
  const faults = new Faults()
  const log = pino({ level: 'silent' })
  const app = await createHttpApp({
    part: 'test',
    service: 'test',
    description: 'A test',
    log,
    metrics,
    faults,
    door,
  })
  await app.register(serviceRoutes({ service: 'test', faults, metrics, readiness: () => ({}) }))
  onTestFinished(() => app.close())
  const fail = (headers: Headers = {}, remoteAddress = '127.0.0.1', url = '/admin/fail') =>
    app.inject({ method: 'POST', url, payload: { enabled: true }, headers, remoteAddress })
  return { app, faults, fail }
}

const everyRoute = [
  { method: 'POST', url: '/admin/delay' },
  { method: 'POST', url: '/admin/fail' },
  { method: 'GET', url: '/admin/faults' },
  { method: 'HEAD', url: '/admin/faults' },
  { method: 'DELETE', url: '/admin/faults' },
  { method: 'POST', url: '/%61dmin/fail' },
  { method: 'POST', url: '/admin/fail?x=1' },
  { method: 'GET', url: '/admin/unknown' },
  { method: 'GET', url: '/admin' },
] as const

describe('/admin without a token', () => {
  test.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('is open to %s', async (address) => {
    const { fail, faults } = await open()
    expect((await fail({}, address)).statusCode).toBe(200)
    expect(faults.active().fail).toBe(true)
  })

  test.each(['192.168.0.7', '10.0.0.1', '172.17.0.1', '::ffff:10.0.0.1', 'fe80::1', '128.0.0.1'])(
    'is closed to %s, whatever its headers claim',
    async (address) => {
      const { fail, faults } = await open()
      const claims = { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '::1', forwarded: 'for=127.0.0.1' }
      for (const headers of [{}, claims, { host: '127.0.0.1', authorization: 'Bearer undefined' }]) {
        const answer = await fail(headers, address)
        expect(answer.statusCode).toBe(403)
        expect(answer.headers['content-type']).toContain('application/problem+json')
        expect(answer.json()).toMatchObject({ code: 'LAB_ADMIN_CLOSED', status: 403 })
      }
      expect(faults.active().fail).toBe(false)
    },
  )

  test.each(everyRoute)('$method $url is closed to other machines', async ({ method, url }) => {
    const { app } = await open()
    const answer = await app.inject({ method, url, remoteAddress: '10.0.0.1' })
    expect(answer.statusCode).toBe(403)
  })

  test.each(['/health', '/ready', '/metrics', '/docs/json', '/administration', '/nothing'])(
    '%s stays open to other machines',
    async (url) => {
      const { app } = await open()
      expect([200, 404]).toContain((await app.inject({ url, remoteAddress: '10.0.0.1' })).statusCode)
    },
  )

  test.each([
    ['a name that was made to lead here', { host: 'evil.example:8000' }],
    ['a name that begins like a loopback address', { host: '127.0.0.1.evil.example' }],
    ['a name that ends like this machine', { host: 'localhost.evil.example:8000' }],
    ['another address', { host: '10.0.0.1:8000' }],
    ['another origin', { host: 'localhost:8000', origin: 'http://evil.example' }],
    ['another port of this machine', { host: 'localhost:8000', origin: 'http://localhost:3000' }],
    ['the origin of a sandbox or a file', { host: 'localhost:8000', origin: 'null' }],
    ['a page of another site, without an origin', { 'sec-fetch-site': 'cross-site' }],
    ['a page of the same site', { 'sec-fetch-site': 'same-site' }],
    ['a proxy on this machine', { 'x-forwarded-for': '127.0.0.1' }],
    ['a proxy that says where from', { forwarded: 'for=10.0.0.1' }],
  ])('is closed to %s', async (_who, headers: Headers) => {
    const { fail, faults } = await open()
    expect((await fail(headers)).json()).toMatchObject({ code: 'LAB_ADMIN_CLOSED', status: 403 })
    expect(faults.active().fail).toBe(false)
  })

  test.each([
    { host: '127.0.0.1:8000' },
    { host: '[::1]:8000' },
    { host: 'LOCALHOST' },
    { host: 'localhost:8000', origin: 'http://localhost:8000', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-mode': 'cors', 'user-agent': 'node' },
  ])('is open to a program, and to the page at /docs: %j', async (headers) => {
    const { fail } = await open()
    expect((await fail(headers)).statusCode).toBe(200)
  })
})

describe('/admin with a token', () => {
  const adminToken = 'correct-horse'

  test.each(everyRoute)('$method $url asks for it, on loopback too', async ({ method, url }) => {
    const { app } = await open({ adminToken })
    const answer = await app.inject({ method, url })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
    expect(answer.body).not.toContain(adminToken)
  })

  test.each([
    undefined,
    'Bearer',
    'Bearer ',
    'Bearer correct-hors',
    'Bearer correct-horse-',
    'Bearer Correct-horse',
    'Basic correct-horse',
    'correct-horse',
    'Bearer correct-horse, Bearer x',
    `Bearer ${'x'.repeat(4_000)}`,
  ])('refuses authorization: %s', async (authorization) => {
    const { fail, faults } = await open({ adminToken })
    const answer = await fail(authorization === undefined ? {} : { authorization })
    expect(answer.json()).toMatchObject({ code: 'LAB_ADMIN_TOKEN', status: 401 })
    expect(faults.active().fail).toBe(false)
  })

  test('is open to whoever sends it, from anywhere', async () => {
    const { fail, app } = await open({ adminToken })
    for (const authorization of [`Bearer ${adminToken}`, `bearer ${adminToken}`])
      expect((await fail({ authorization, host: 'lab.example' }, '10.0.0.1')).statusCode).toBe(200)
    expect((await app.inject({ url: '/health', remoteAddress: '10.0.0.1' })).statusCode).toBe(200)
  })

  test('is entered on the page at /docs', async () => {
    const { app } = await open({ adminToken })
    const document = (await app.inject('/docs/json')).json()
    expect(document.components.securitySchemes.adminToken).toMatchObject({ type: 'http', scheme: 'bearer' })
    expect(document.paths['/admin/fail'].post.security).toEqual([{ adminToken: [] }])
    expect(document.paths['/health'].get.security).toBeUndefined()
  })
})
