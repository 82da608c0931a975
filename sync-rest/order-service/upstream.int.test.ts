import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openUpstream, type UpstreamOptions } from './upstream.ts'

async function listen(answer: RequestListener) {
  let requests = 0
  const server = createServer((req, res) => {
    requests++
    answer(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, server, count: () => requests }
}

function open(origin: string, options: Partial<UpstreamOptions> = {}) {
  const upstream = openUpstream(origin, { timeoutMs: 5_000, connections: 4, ...options })
  onTestFinished(() => upstream.close())
  return upstream
}

const never: RequestListener = () => {}

describe('a call to an upstream', () => {
  test('answers what the other side said', async () => {
    const { origin } = await listen((_, res) => res.writeHead(409).end('no'))

    expect(await open(origin).post('/reserve', {})).toEqual({ kind: 'answered', status: 409, text: 'no' })
  })

  test('times out on time, also above a second', async () => {
    const { origin } = await listen(never)
    const started = performance.now()

    expect(await open(origin, { timeoutMs: 1_200 }).post('/reserve', {})).toEqual({ kind: 'timeout' })
    expect(performance.now() - started).toBeGreaterThan(1_195)
    expect(performance.now() - started).toBeLessThan(1_600)
  })

  test('counts the wait for a connection', async () => {
    const { origin } = await listen(never)
    const upstream = open(origin, { timeoutMs: 300, connections: 1 })
    const started = performance.now()

    const replies = await Promise.all([1, 2, 3].map(() => upstream.post('/reserve', {})))

    expect(replies).toEqual(Array(3).fill({ kind: 'timeout' }))
    expect(performance.now() - started).toBeLessThan(600)
  })

  test('is not sent any more once its time was over while it waited for a connection', async () => {
    let answers = false
    const { origin, count } = await listen((_, res) => void (answers && res.end('ok')))
    const upstream = open(origin, { timeoutMs: 1_000, connections: 1 })

    await Promise.all([1, 2, 3].map(() => upstream.post('/reserve', {})))
    answers = true

    expect(await upstream.post('/reserve', {})).toMatchObject({ kind: 'answered' })
    expect(count()).toBe(2)
  })

  test('counts an answer that never ends', async () => {
    const { origin } = await listen((_, res) => res.writeHead(200).write('{'))

    expect(await open(origin, { timeoutMs: 300 }).post('/reserve', {})).toEqual({ kind: 'timeout' })
  })

  test('is unreachable when nobody listens', async () => {
    const { origin, server } = await listen(never)
    await new Promise((resolve) => server.close(resolve))

    expect(await open(origin).post('/reserve', {})).toMatchObject({ kind: 'unreachable' })
    expect(await open(origin).isReachable(500)).toBe(false)
  })

  test('is tried once more when its connection breaks', async () => {
    const { origin, count } = await listen((_, res) => {
      if (count() === 1) res.destroy()
      else res.end('ok')
    })

    expect(await open(origin).post('/reserve', {})).toMatchObject({ kind: 'answered', text: 'ok' })
  })

  test('is broken when its connection breaks twice', async () => {
    const { origin, count } = await listen((_, res) => res.destroy())

    expect(await open(origin).post('/reserve', {})).toMatchObject({ kind: 'broken' })
    expect(count()).toBe(2)
  })

  test('stays broken when the second attempt is refused, as the first may have had its effect', async () => {
    const { origin, server } = await listen((_, res) => {
      server.close()
      res.destroy()
    })

    expect(await open(origin).post('/reserve', {})).toMatchObject({ kind: 'broken' })
  })

  test('refuses an answer without end', async () => {
    const { origin } = await listen((_, res) => res.end('x'.repeat(1024 * 1024)))

    expect(await open(origin).post('/reserve', {})).toMatchObject({ kind: 'broken' })
  })

  test('is broken when the upstream is closed meanwhile', async () => {
    const { origin } = await listen(never)
    const upstream = open(origin)

    const reply = upstream.post('/reserve', {})
    await upstream.close()

    expect(await reply).toMatchObject({ kind: 'broken' })
  })
})
