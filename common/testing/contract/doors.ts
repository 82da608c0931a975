import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { openRaw, openSilent, type RawClient } from '@lab/kit/testing/raw-client.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { call, decided, isReserved, type Pipeline, place, type Service } from '../pipeline.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const STREAM_CLIENTS = 64
const MAX_CONNECTIONS = 4_096

/** What no client may do to any service: shut the others out, switch its faults, or learn of its inside. */
export function doorsContract(pipeline: () => Pipeline): void {
  describe('a closed door', () => {
    const services = () => [pipeline().order, pipeline().inventory, pipeline().third]

    test('silent connections, more than it holds, stop neither /health nor an order, and cost bounded memory', () =>
      expectSilentHarmless(pipeline(), MAX_CONNECTIONS + 900))

    test.each([
      ['headers', 'POST /order HTTP/1.1\r\nhost: a\r\n', 'x-a: b\r\n'.repeat(100)],
      [
        'bodies',
        'POST /order HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n',
        ' '.repeat(499),
      ],
    ])('300 clients that send their %s byte by byte stop nobody', async (_what, head, rest) => {
      const clients = await Promise.all(Array.from({ length: 300 }, () => openRaw(pipeline().order.url)))
      const sending = clients.map((client) => {
        client.send(head)
        return client.dribble(rest, 25)
      })
      try {
        await expectAtWork(pipeline())
      } finally {
        for (const { socket } of clients) socket.resetAndDestroy()
        await Promise.all(sending)
      }
    })

    test('a flood of stream readers is bounded, and stops nobody', async () => {
      const clients = await Promise.all(Array.from({ length: 300 }, () => openRaw(pipeline().order.url)))
      onTestFinished(() => clients.forEach(({ socket }) => void socket.destroy()))
      for (const client of clients) client.send('GET /orders/stream HTTP/1.1\r\nhost: a\r\n\r\n')
      const answered = (status: number) => clients.filter((client) => statusOf(client) === status)
      await waitFor('all answers', () => answered(200).length + answered(503).length === clients.length)

      expect(answered(200)).toHaveLength(STREAM_CLIENTS)
      for (const client of answered(503)) expect(client.received()).toMatch(/^retry-after: 1\r$/im)
      await expectAtWork(pipeline())
    })

    test('/admin is closed to web pages, rebound names and whoever comes through a proxy', async () => {
      const doors = [
        'POST /admin/fail',
        'POST /admin/reset-offsets',
        'POST /admin/throttle',
        'DELETE /admin/faults',
      ]
      const clients = [
        'host: evil.example',
        'host: localhost\r\norigin: http://evil.example',
        'host: localhost\r\nx-forwarded-for: 127.0.0.1',
      ]
      for (const { url } of services()) {
        for (const door of doors) {
          for (const client of clients) {
            const answer = await exchange(url, `${door} HTTP/1.1\r\n${client}\r\nconnection: close\r\n\r\n`)
            expect(answer).toMatch(/^HTTP\/1.1 403 .*"code":"LAB_ADMIN_CLOSED"/s)
          }
        }
        expect((await call('GET', `${url}/health`)).json.faults).toMatchObject({ fail: false })
      }
    })

    test('no answer and no log has a stack, a folder of the code or a credential', async () => {
      const secrets = pipeline().secrets ?? []
      for (const { url, logFile } of services()) {
        for (const request of hostile) expectDiscreet(await exchange(url, request), secrets)
        for (const path of ['/health', '/ready', '/docs/json'])
          expectDiscreet(await (await fetch(url + path)).text(), secrets)
        expectDiscreet(await readFile(logFile, 'utf8'), secrets)
      }
    })
  })
}

/** So many connections that say nothing: the service holds a bounded number of them, and goes on. */
export async function expectSilentHarmless(pipeline: Pipeline, wanted: number): Promise<void> {
  const { order } = pipeline
  const before = await gaugeOf(order, 'process_resident_memory_bytes')
  using flood = await openSilent(order.url, await affordable(wanted))

  await expectAtWork(pipeline)
  expect(await gaugeOf(order, 'lab_http_connections')).toBeLessThanOrEqual(MAX_CONNECTIONS)
  const closed = flood.sockets.length - MAX_CONNECTIONS
  await waitFor('the oldest to be closed', () => flood.sockets.filter((one) => one.closed).length >= closed)
  expect((await gaugeOf(order, 'process_resident_memory_bytes')) - before).toBeLessThan(150 * 1024 ** 2)
}

const post = (path: string, body: string, type = 'application/json') =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer hunter2\r\ncontent-type: ${type}\r\n` +
  `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`

/** Requests that libraries and frameworks like to answer with what went wrong inside. */
const hostile = [
  ...['/order', '/orders/bulk', '/reserve', '/release', '/send', '/admin/delay'].flatMap((path) => [
    post(path, '{'),
    post(path, '{"__proto__":{"a":1},"constructor":{"prototype":1}}'),
    post(path, `[${'['.repeat(8_000)}`),
    post(path, 'a=b', 'application/x-www-form-urlencoded'),
    post(path, '{"item":{"toString":1},"quantity":{"valueOf":null},"order_id":"\\u0000"}'),
  ]),
  ...[
    '/../../etc/passwd',
    '/docs/static/..%2f..%2fpackage.json',
    '/docs/static/%00',
    '/%E0%A4%A',
    '/nothing',
  ].map(get),
  ...[
    '/orders/%00',
    `/orders/${'x'.repeat(500)}`,
    '/lag?group=%00',
    '/lag?group=',
    `/${'x'.repeat(4_000)}`,
  ].map(get),
  'BREW /order HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET /health HTTP/9.9\r\n\r\n',
]

function expectDiscreet(text: string, secrets: string[]): void {
  expect(text).not.toMatch(/^\s+at .*:\d+|\\n\s+at |"stack"|node_modules|node:internal/m)
  for (const secret of [ROOT, 'hunter2', ...secrets]) expect(text).not.toContain(secret)
}

async function exchange(url: string, request: string): Promise<string> {
  const client = await openRaw(url)
  client.send(request)
  const answer = await client.end()
  expect(answer).toMatch(/^HTTP\/1.1 [1-4]\d\d /)
  return answer
}

/** Its health is answered, and an order is decided. */
async function expectAtWork(pipeline: Pipeline): Promise<void> {
  expect((await call('GET', `${pipeline.order.url}/health`)).status).toBe(200)
  const { json } = await place(pipeline, { item: 'burger', quantity: 1 })
  expect(isReserved(await decided(pipeline, json.order_id))).toBe(true)
}

const statusOf = (client: RawClient) => Number(/^HTTP\/1.1 (\d+)/.exec(client.received())?.[1])

async function gaugeOf({ url }: Service, name: string): Promise<number> {
  const { json } = await call('GET', `${url}/metrics`, undefined, { accept: 'text/plain' })
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(json)?.[1])
}

/** How many connections this process may hold, and so the service: both ends take a file handle. */
async function affordable(wanted: number): Promise<number> {
  const report = process.report.getReport() as unknown as {
    userLimits: { open_files: { soft: number | string } }
  }
  const { soft } = report.userLimits.open_files
  return typeof soft === 'number' ? Math.min(wanted, soft - 500) : wanted
}
