import { EventEmitter, once } from 'node:events'
import { waitFor } from '@lab/kit/wait.ts'
import pino from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { Door } from './door.ts'
import { Faults } from './faults.ts'
import { createHttpApp } from './http.ts'
import { createMetrics } from './metrics.ts'
import { serviceRoutes } from './service-routes.ts'
import { openRaw, openSilent } from './testing/raw-client.ts'

/** A service on a free port. `GET /held` is answered when `release` is called. */
async function listen(door: Door = {}) {
  const lines: { level: number }[] = []
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) })
  const metrics = createMetrics('test')
  const app = await createHttpApp({
    part: 'test',
    service: 'test',
    description: 'A test',
    log,
    metrics,
    faults: new Faults(),
    door,
  })
  const readiness = () => ({})
  await app.register(serviceRoutes({ service: 'test', faults: new Faults(), metrics, readiness }))
  const held = new EventEmitter().setMaxListeners(0)
  const calls: string[] = []
  app.get('/held', async () => {
    calls.push('held')
    held.emit('arrived')
    await once(held, 'release')
    return 'at last'
  })
  app.get('/one/:id', async () => 'one')
  app.post('/taken', { schema: { body: z.unknown() } }, async () => void calls.push('taken'))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    held.emit('release')
    app.server.closeAllConnections()
    await app.close()
  })
  const health = async () => (await fetch(`${url}/health`, { headers: { connection: 'close' } })).status
  const gauge = async (name: string) =>
    Number(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec((await app.inject('/metrics')).body)?.[1])
  return { url, health, gauge, held, calls, errors: () => lines.filter(({ level }) => level >= 50) }
}

const GET = 'GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n'

const answerOf = (raw: string) => {
  const [head = '', body = ''] = raw.split('\r\n\r\n')
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, problem: JSON.parse(body) }
}

describe('a request that is no request', () => {
  test.each([
    [
      'a URL of 3,000 characters',
      `GET /${'x'.repeat(3_000)} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
      414,
    ],
    ['a URL of 64 KiB', `GET /${'x'.repeat(65_536)} HTTP/1.1\r\nhost: a\r\n\r\n`, 414],
    [
      'a part of a URL of 300 characters',
      `GET /one/${'x'.repeat(300)} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
      414,
    ],
    ['a URL that cannot be decoded', 'GET /%E0%A4%A HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', 400],
    ['headers of 12 KiB', `${GET}x-a: ${'x'.repeat(12_288)}\r\n\r\n`, 431],
    ['a thousand headers', `${GET}${'x-a: 123456789\r\n'.repeat(1_000)}\r\n`, 431],
    ['no HTTP', '\x16\x03\x01 hello\r\n\r\n', 400],
    ['two lengths', `${GET}content-length: 1\r\ncontent-length: 2\r\n\r\n`, 400],
    ['a length and chunks', `${GET}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, 400],
  ])('%s is answered by a problem, and nothing is logged as an error', async (_what, text, status) => {
    const { url, health, errors } = await listen()
    const client = await openRaw(url)
    client.send(text)
    const answer = await client.end()

    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answerOf(answer).problem).toMatchObject({ status, code: expect.stringMatching(/^LAB_/) })
    expect(answer).not.toMatch(/\.ts|node_modules|\n\s+at /)
    expect(await health()).toBe(200)
    expect(errors()).toEqual([])
  })
})

describe('a slow client', () => {
  test('that sends its headers byte by byte is closed with 408', async () => {
    const { url, health } = await listen({ headersTimeoutMs: 300 })
    const client = await openRaw(url)
    const sending = client.dribble(`${GET}${'x-a: y\r\n'.repeat(400)}`, 20)

    expect(await health()).toBe(200)
    expect(answerOf(await client.end())).toMatchObject({
      status: 408,
      problem: { code: 'LAB_REQUEST_TOO_SLOW' },
    })
    await sending
  })

  test('that sends nothing is closed', async () => {
    const { url } = await listen({ headersTimeoutMs: 300 })
    const client = await openRaw(url)
    await client.end()
  })

  test('that sends its body byte by byte is closed with 408, and its request is never handled', async () => {
    const { url, health, calls, errors } = await listen({ headersTimeoutMs: 300, requestTimeoutMs: 600 })
    const client = await openRaw(url)
    client.send(
      'POST /taken HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n',
    )
    const sending = client.dribble('1'.repeat(900), 20)

    expect(await health()).toBe(200)
    expect(answerOf(await client.end()).status).toBe(408)
    await sending
    expect(calls).toEqual([])
    expect(errors()).toEqual([])
  })

  test('that is refused while it sends its body gets the reason, not a reset', async () => {
    const { url, calls } = await listen()
    const client = await openRaw(url)
    const errors: (Error | null | undefined)[] = []
    const piece = ' '.repeat(64 * 1024)
    client.send(
      `POST /taken HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${16 * piece.length}\r\n\r\n`,
    )
    for (let sent = 0; sent < 16; sent++)
      await new Promise<void>((written) => {
        client.socket.write(piece, (err) => {
          errors.push(err)
          setImmediate(written)
        })
      })

    expect(answerOf(await client.end())).toMatchObject({
      status: 413,
      problem: { code: 'LAB_BODY_TOO_LARGE' },
    })
    expect(errors.filter(Boolean)).toEqual([])
    expect(calls).toEqual([])
  })

  test('that leaves in the middle of its body is no error of the service', async () => {
    const { url, health, calls, errors, gauge } = await listen()
    const client = await openRaw(url)
    client.send(
      'POST /taken HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n1',
    )
    await waitFor('the request to arrive', async () => (await gauge('lab_http_connections')) === 1)
    client.socket.resetAndDestroy()
    await waitFor('the connection to be gone', async () => (await gauge('lab_http_connections')) === 0)

    expect(await health()).toBe(200)
    expect(calls).toEqual([])
    expect(errors()).toEqual([])
  })
})

describe('more connections than MAX_CONNECTIONS', () => {
  test('that are silent close the oldest, and never shut out a request', async () => {
    const { url, health, gauge } = await listen({ maxConnections: 50 })
    using flood = await openSilent(url, 500)

    expect(await health()).toBe(200)
    await waitFor('450 to be closed', () => flood.sockets.filter(({ closed }) => closed).length >= 450)
    expect(await gauge('lab_http_connections')).toBeLessThanOrEqual(50)
    expect(await gauge('lab_http_connections_evicted')).toBeGreaterThanOrEqual(450)
    expect(flood.sockets[0]?.closed).toBe(true)
  })

  test('that never end their bodies are closed like silent ones', async () => {
    const { url, health, calls } = await listen({ maxConnections: 16 })
    const clients = await Promise.all(Array.from({ length: 16 }, () => openRaw(url)))
    const head =
      'POST /taken HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 900\r\n'
    for (const client of clients) client.send(`${head}expect: 100-continue\r\n\r\n1`)
    await waitFor('all to have begun', () => clients.every((client) => client.received().includes(' 100 ')))

    expect(await health()).toBe(200)
    await waitFor('one to be closed', () => clients.filter((client) => client.isClosed()).length === 1)
    expect(calls).toEqual([])
  })

  test('that were answered by a refusal are idle, not silent', async () => {
    const { url, gauge } = await listen({ maxConnections: 16 })
    const client = await openRaw(url)
    client.send('DELETE /admin/faults HTTP/1.1\r\nhost: a\r\nvia: a\r\n\r\n')
    await waitFor('its answer', () => client.received().includes(' 403 '))
    using _flood = await openSilent(url, 100)
    await waitFor('the flood', async () => (await gauge('lab_http_connections_evicted')) >= 85)
    client.send(`${GET}\r\n`)

    await waitFor('its second answer', () => client.received().includes(' 200 '))
  })

  test('leave alone who has been answered, as long as there are silent ones', async () => {
    const { url, gauge } = await listen({ maxConnections: 50 })
    const client = await openRaw(url)
    client.send(`${GET}\r\n`)
    await waitFor('its answer', () => client.received().includes('"status":"ok"'))
    using _flood = await openSilent(url, 500)
    await waitFor('the flood', async () => (await gauge('lab_http_connections_evicted')) >= 451)
    client.send(`${GET}\r\n`)

    await waitFor('its second answer', () => client.received().split('HTTP/1.1 200').length === 3)
  })

  test('close who has longest been idle after an answer, when nobody is silent', async () => {
    const { url } = await listen({ maxConnections: 16 })
    const clients = []
    for (let i = 0; i < 17; i++) {
      const client = await openRaw(url)
      client.send(`${GET}\r\n`)
      await waitFor('its answer', () => client.received().includes('"status":"ok"'))
      clients.push(client)
    }

    await clients[0]?.end()
    expect(clients.filter((client) => client.isClosed())).toHaveLength(1)
  })

  test('never break off a request in work, and are refused when all have one', async () => {
    const { url, held, calls } = await listen({ maxConnections: 16 })
    const clients = await Promise.all(Array.from({ length: 16 }, () => openRaw(url)))
    for (const client of clients) client.send('GET /held HTTP/1.1\r\nhost: a\r\n\r\n')
    await waitFor('all to be in work', () => calls.length === 16)

    const late = await openRaw(url)
    await late.end()
    held.emit('release')
    await waitFor('all answers', () => clients.every((client) => client.received().includes('at last')))
  })
})
