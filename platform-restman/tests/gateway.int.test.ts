import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createLog } from '@lab/kit/log.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { localContext } from '@lab/stack/fixtures/lab.ts'
import { openRunDir } from '@lab/stack/run-dir.ts'
import { serverKinds, startServer } from '@lab/stack/servers/index.ts'
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { buildApp } from '../gateway/app.ts'
import { createClientOf } from '../gateway/client.ts'
import { createLimit } from '../gateway/limits.ts'
import { SERVICES, type ServiceKey } from '../gateway/route-map.ts'
import { openUpstream, type Upstream } from '../gateway/upstream.ts'
import { createVerifier } from '../shared/identity/identity.ts'
import { openRedis } from '../shared/redis/client.ts'
import { createSessions } from '../shared/redis/sessions.ts'

const SECRET = 'a-secret-of-thirty-two-characters'
const log = createLog('test', 'silent')

// A service that does what a test wants of it, behind the real gateway with a real Redis.
const run = await openRunDir()
const server = await startServer('redis', localContext(run))
let behave: (request: IncomingMessage, response: ServerResponse) => void
const backend = createServer((incoming, response) => behave(incoming, response)).listen(0, '127.0.0.1')
await once(backend, 'listening')
const backendUrl = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`
const redis = openRedis(serverKinds.redis.env(server).REDIS_URL!, log)
await waitFor('redis', () => redis.state() === 'ok')
const sessions = createSessions(redis, { ttlSeconds: 60 })
const upstreams = Object.fromEntries(
  Object.entries(SERVICES).map(([key, name]) => [
    key,
    openUpstream(name, backendUrl, { timeoutMs: 400, connections: 8 }),
  ]),
) as Record<ServiceKey, Upstream>
const limits = {
  client: createLimit(1e6, 'this address'),
  signIn: createLimit(1e6, 'this address'),
  account: createLimit(60, 'this account'),
}
const gateway = await buildApp({
  log,
  redis,
  sessions,
  upstreams,
  limits,
  secret: SECRET,
  clientOf: createClientOf(),
})
const url = await gateway.listen({ host: '127.0.0.1', port: 0 })

const account = (user_id: string) => ({
  user_id,
  email: `${user_id}@example.com`,
  role: 'customer',
  version: 0,
})
let users = 0
let token: string

beforeEach(async () => {
  // A machine that is very busy loses its connection to Redis for a moment.
  token = await waitFor('a session', () => sessions.open(account(`user-${users++}`)))
  behave = (_, response) => response.end('{}')
})
afterAll(async () => {
  await gateway.close()
  backend.close()
  backend.closeAllConnections()
  await run.close()
})

interface Sent {
  method?: string
  path: string
  headers?: Record<string, string | string[]>
  body?: string
}

/** By hand, as a client that normalises paths or headers is no attacker. */
async function send({ method = 'GET', path, headers, body }: Sent) {
  const sent = request(url, {
    method,
    path,
    agent: false,
    headers: { authorization: `Bearer ${token}`, ...headers },
  })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const { statusCode: status, headers: received } = response
  const answered = await text(response)
  return { status, headers: received, body: answered.startsWith('{') ? JSON.parse(answered) : answered }
}

describe('the gateway', () => {
  test('passes on bytes, status and headers, and says who calls', async () => {
    let seen: IncomingMessage['headers'] = {}
    behave = async (incoming, response) => {
      seen = incoming.headers
      response.writeHead(201, { 'content-type': 'application/json', location: '/api/orders/1' })
      response.end(JSON.stringify({ got: await text(incoming), path: incoming.url }))
    }

    const headers = { 'content-type': 'application/json', 'idempotency-key': 'k', 'x-request-id': 'r-1' }
    const answer = await send({ method: 'POST', path: '/api/orders?a=%20b', headers, body: '{ "ä": 1 }' })

    expect(answer).toMatchObject({
      status: 201,
      headers: { location: '/api/orders/1', 'x-request-id': 'r-1' },
      body: { got: '{ "ä": 1 }', path: '/api/orders?a=%20b' },
    })
    expect(seen).toMatchObject({ 'idempotency-key': 'k', 'x-request-id': 'r-1' })
    expect(seen.traceparent).toMatch(/^00-[0-9a-f]{32}-/)
    expect(createVerifier(SECRET)(seen)).toMatchObject({ role: 'customer', client: '127.0.0.1' })
  })

  test('lets no identity in from outside, however it is spelled, also on public routes', async () => {
    let seen: string[] = []
    behave = (incoming, response) => {
      seen = incoming.rawHeaders
      response.end('{}')
    }
    const forged = Object.fromEntries(
      [
        'X-User-Id',
        'x_user_id',
        'X-USER_ROLE',
        'x-owner-id',
        'X-Identity',
        'x.user.role',
        'x-user-email',
        'x-identity-2',
      ].map((name) => [name, 'forged']),
    )

    for (const path of ['/api/orders', '/api/auth/verify-otp', '/api/auth/health']) {
      const isPublic = path.endsWith('otp')
      await send({
        path,
        headers: { ...forged, 'X-User-Role': ['admin', 'admin'] },
        method: isPublic ? 'POST' : 'GET',
      })
      expect(seen.filter((value) => /forged|admin/.test(value))).toEqual([])
      expect(seen.filter((value) => /bearer/i.test(value))).toEqual([])
    }
  })

  test('asks for a session on every route that is not public', async () => {
    for (const authorization of [
      '',
      'Bearer ',
      `Bearer ${'x'.repeat(43)}`,
      `Basic ${token}`,
      `Bearer ${token}x`,
      token,
    ])
      expect((await send({ path: '/api/auth/me', headers: { authorization } })).status).toBe(401)
    expect((await send({ path: '/api/auth/me/health', headers: { authorization: '' } })).status).toBe(401)
    expect((await send({ path: '/api/auth/%6de' })).status).toBe(404)
    expect((await send({ path: '/api/auth/me' })).status).toBe(200)
  })

  test('lets an account make so many requests', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => send({ path: '/api/orders' })))

    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThanOrEqual(8)
    expect(refused[0]!.headers['retry-after']).toBe('1')
  })

  test('lets an address make so many requests, also about the health of services', async () => {
    const before = limits.client
    limits.client = createLimit(60, 'this address')
    onTestFinished(() => {
      limits.client = before
    })

    const asks = Array.from({ length: 20 }, () => send({ path: '/api/orders/health', headers: {} }))
    const statuses = (await Promise.all(asks)).map(({ status }) => status)

    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(8)
    expect(statuses).toContain(200)
  })

  test('answers 504 in time when a service does not, and 502 when it breaks off', async () => {
    behave = () => {}
    const startedAt = performance.now()
    const late = await send({ path: '/api/kitchen/tickets' })
    expect(late).toMatchObject({ status: 504, body: { code: 'LAB_UPSTREAM_TIMEOUT' } })
    expect(late.body.detail).toContain('kitchen-service')
    expect(performance.now() - startedAt).toBeLessThan(5_000)

    behave = (incoming) => incoming.socket.destroy()
    const broken = await send({ method: 'POST', path: '/api/kitchen/tickets', body: '{}' })
    expect(broken).toMatchObject({ status: 502, body: { code: 'LAB_UPSTREAM_BROKEN' } })
  })

  test('refuses calls at once while a service is away, and calls it again when it is back', async () => {
    let calls = 0
    behave = (incoming) => {
      calls++
      incoming.socket.destroy()
    }
    for (let at = 0; at < 5; at++) await send({ method: 'POST', path: '/api/billing/bills' })
    expect(await send({ path: '/api/billing/bills' })).toMatchObject({
      status: 503,
      body: { code: 'LAB_DEPENDENCY_UNAVAILABLE', detail: expect.stringContaining('billing-service') },
    })
    expect(calls).toBe(5)
    expect((await send({ path: '/health' })).body.circuits).toMatchObject({ 'billing-service': 'open' })

    behave = (_, response) => response.end('{}')
    token = await sessions.open(account('patient'))
    await waitFor('the circuit', async () => (await send({ path: '/api/billing/bills' })).status === 200, {
      everyMs: 200,
    })
  })

  test('says so when Redis is away, still tells how services are, and heals', async () => {
    await server.control!.kill()
    await waitFor('a 503', async () => (await send({ path: '/api/auth/me' })).status === 503)
    const away = await send({ path: '/api/auth/me' })
    expect(away.body.detail).toContain('Redis')
    expect((await send({ path: '/ready' })).status).toBe(503)
    expect((await send({ path: '/api/auth/health' })).status).toBe(200)

    await server.control!.start()
    await waitFor('the session', async () => (await send({ path: '/api/auth/me' })).status === 200)
  })
})
