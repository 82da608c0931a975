import { connect } from 'node:net'
import { waitFor, within } from '@lab/kit/wait.ts'
import { localObstacle } from '@lab/stack/fixtures/lab.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import { openTcpProxy, type TcpProxy } from '@lab/stack/tcp-proxy.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Client } from '../redis/connect.ts'
import { OrderEvent, type PizzaOrder } from '../redis/schemas.ts'
import { Api, allOrders, lookInto, openPlatform, type Platform, WAY, Window } from './platform.ts'

const obstacle = await localObstacle('redis')
const KEPT = 40

describe.skipIf(obstacle)('the WebSockets of two instances', () => {
  let platform: Platform
  let second: ServiceProcess
  let api: Api
  let inside: Client
  let proxy: TcpProxy

  beforeAll(async () => {
    platform = await openPlatform({
      EVENTS_KEPT: String(KEPT),
      SOCKET_PING_MS: '300',
      SOCKET_BUFFER_BYTES: '16384',
    })
    second = await platform.part.twin!('platform-service')
    await second.start()
    api = new Api(platform.url)
    inside = await lookInto(platform)
    proxy = await openTcpProxy({ upstream: { host: '127.0.0.1', port: second.port } })
  })
  afterAll(async () => {
    await proxy?.close()
    inside?.destroy()
    await platform?.close()
  })
  const seqNow = async () => Number((await inside.get('stream:seq')) ?? 0)
  /** The second instance has seen every event. */
  const seen = async () => {
    const seq = await seqNow()
    await waitFor('the feed', async () => (await new Api(second.url).get('/health')).body.seq === seq)
  }
  const openWindow = async (url = second.url) => {
    const window = await new Window().open(url)
    onTestFinished(() => window.close())
    return window
  }
  const upToDate = async (...windows: Window[]) => {
    const seq = await seqNow()
    await waitFor('every window to be up to date', () =>
      windows.every((window) => window.isLive && window.seq === seq),
    )
    const orders = await allOrders(api)
    for (const window of windows) expect(window.shown()).toEqual(orders)
  }

  test('say to a plain client what the seed says, and nothing else', async () => {
    const heard: unknown[] = []
    const socket = new WebSocket(`${second.url.replace('http', 'ws')}/ws`)
    socket.addEventListener('message', ({ data }) => heard.push(JSON.parse(data)))
    onTestFinished(() => socket.close())
    await waitFor('the socket', () => socket.readyState === WebSocket.OPEN)
    await waitFor(
      'it to be counted',
      async () => (await new Api(second.url).get('/health')).body.sockets >= 1,
    )
    const { id } = await api.create()
    await api.step(id, WAY[0]![1])
    await waitFor('two events', () => heard.length === 2)
    for (const event of heard) expect(OrderEvent.strict().safeParse(event).error).toBeUndefined()
    expect(heard).toMatchObject([
      { event_type: 'order.created' },
      { event_type: 'order.supplier_accepted', order: { id } },
    ])
  })

  test('show the same at both instances', async () => {
    const windows = [await openWindow(platform.url), await openWindow()]
    await api.orderAt('delivered')
    await new Api(second.url).orderAt('dispatched')
    await upToDate(...windows)
  })

  test('give a client that comes back what it missed, each event once', async () => {
    const window = await openWindow()
    const heard = window.events.length
    window.close()
    await api.orderAt('delivered')
    await seen()
    await window.open(second.url)
    expect(window.missed).toBe(8)
    expect(window.events).toHaveLength(heard + 8)
    expect(window.controls).toEqual(['stream.snapshot', 'stream.resumed'])
    await upToDate(window)
  })

  test('give a snapshot to one that was away for longer than the stream goes back, or is of another data set', async () => {
    const window = await openWindow()
    window.close()
    for (let at = 0; at < KEPT / 8 + 1; at++) await api.orderAt('delivered')
    await seen()
    await window.open(second.url)
    expect(window.controls).toEqual(['stream.snapshot', 'stream.snapshot'])
    await upToDate(window)
    window.close()
    window.epoch = 'another'
    await window.open(second.url)
    expect(window.controls).toHaveLength(3)
    await upToDate(window)
  })

  test('send a snapshot of many orders in parts, while they change', async () => {
    const orders = await Promise.all(Array.from({ length: 450 }, () => api.create()))
    const opening = openWindow()
    await Promise.all(orders.slice(0, 40).map(({ id }) => api.step(id, WAY[0]![1])))
    const window = await opening
    expect(window.controls.filter((control) => control === 'stream.snapshot').length).toBeGreaterThan(2)
    await upToDate(window)
  })

  test('end with the same orders as a window that was never away, however often and wherever the wire is cut', async () => {
    const steady = await openWindow(platform.url)
    const url = `http://127.0.0.1:${proxy.port}`
    const turn = fc.record({
      steps: fc.integer({ min: 0, max: 14 }),
      cut: fc.constantFrom('none', 'close', 'reset', 'reset while it catches up'),
      away: fc.integer({ min: 0, max: 30 }),
    })
    const open: PizzaOrder[] = []
    const step = async () => {
      const order = open.at(-1)
      const next = order && WAY[WAY.findIndex(([status]) => status === order.status) + 1]
      if (!order || !next) open.push(await api.create())
      else open[open.length - 1] = (await api.step(order.id, next[1])).body
    }
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 6 }), async (turns) => {
        const window = await new Window().open(url)
        for (const { steps, cut, away } of turns) {
          const working = (async () => {
            for (let at = 0; at < steps; at++) await step()
          })()
          if (cut === 'none') {
            await working
            continue
          }
          if (cut === 'close') window.close()
          else proxy.cut()
          for (let at = 0; at < away; at++) await step()
          window.connect(url)
          if (cut === 'reset while it catches up') {
            proxy.cut()
            window.connect(url)
          }
          await working
        }
        const seq = await seqNow()
        await waitFor('the window', () => {
          if (window.closed) window.connect(url)
          return window.isLive && window.seq === seq
        })
        await waitFor('the steady one', () => steady.seq === seq)
        expect(window.shown()).toEqual(steady.shown())
        window.close()
      }),
      { numRuns: 15 },
    )
    await upToDate(steady)
  })

  test('find a client that is not there any more', async () => {
    const sockets = async () => (await new Api(second.url).get('/health')).body.sockets
    await waitFor('the windows before to be gone', async () => (await sockets()) === 0)
    const { socket, received } = await handshake(second.port, '/ws')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await within(closed, 15_000, 'it to be cut')
    expect(received()).toContain('\x89\x00') // a ping, which it did not answer
    await waitFor('it to be forgotten', async () => (await sockets()) === 0)
  })

  test('take pages of the origins they know, and clients that are no pages', async () => {
    const from = async (origin?: string) => {
      const window = new Window(origin)
      onTestFinished(() => window.close())
      window.connect(second.url)
      await waitFor('an answer', () => window.isLive || window.closed !== undefined)
      return window.closed?.code ?? 'open'
    }
    expect(await from()).toBe('open')
    expect(await from('http://localhost:5173')).toBe('open')
    expect(await from('http://localhost:3000')).toBe('open')
    expect(await from('http://evil.example')).toBe(1008)
    expect(await from('null')).toBe(1008)
  })

  test('say what is wrong with a query', async () => {
    expect((await new Api(second.url).get('/ws?last_seq=-1', { connection: 'close' })).status).toBe(400)
  })
})

describe.skipIf(obstacle)('a platform for two WebSockets', () => {
  let platform: Platform
  let api: Api
  beforeAll(async () => {
    platform = await openPlatform({ MAX_SOCKETS: '2', SOCKET_BUFFER_BYTES: '16384' })
    api = new Api(platform.url)
  })
  afterAll(() => platform?.close())
  const sockets = async () => (await api.get('/health')).body.sockets

  test('refuses the third politely, and takes it when there is room', async () => {
    const windows = [await new Window().open(platform.url), await new Window().open(platform.url)]
    const third = new Window()
    third.connect(platform.url)
    await waitFor('the refusal', () => third.closed !== undefined)
    expect(third.closed).toEqual({ code: 1013, reason: 'too many sockets, try again later' })
    windows[0]!.close()
    await waitFor('room', async () => (await sockets()) === 1)
    await third.open(platform.url)
    for (const window of [...windows, third]) window.close()
    await waitFor('room', async () => (await sockets()) === 0)
  })

  test('cuts a slow client, which comes back by its seq, and not one that reads', async () => {
    const quick = await new Window().open(platform.url)
    const { seq, epoch } = quick
    const { socket } = await handshake(platform.service.port, `/ws?last_seq=${seq}&epoch=${epoch}`)
    socket.pause()
    const isCut = async () => {
      const { body } = await api.get('/metrics')
      return /pizza_sockets_cut_total\{[^}]*reason="too slow"[^}]*\} 1/.test(body)
    }
    const notes = 'x'.repeat(500)
    const flood = async () => {
      const orders = await Promise.all(Array.from({ length: 250 }, () => api.create()))
      const events = ['order.supplier_accepted', 'order.cancelled'].flatMap((event_type) =>
        orders.map(({ id }) => ({ event_type, order_id: id, data: { notes } })),
      )
      await api.batch(events)
      return isCut()
    }
    await waitFor('the slow one to be cut', flood, { timeoutMs: 40_000 })
    const again = Object.assign(new Window(), { seq, epoch, orders: new Map(quick.orders) })
    await again.open(platform.url)
    expect(again.controls).toEqual(['stream.resumed'])
    await waitFor('both to be up to date', () => quick.seq === again.seq)
    expect(again.shown()).toEqual(quick.shown())
    expect(quick.controls).toEqual(['stream.snapshot'])
    for (const window of [quick, again]) window.close()
  })
})

/** A WebSocket that is nothing but its handshake: it answers no ping, and reads when it likes. */
async function handshake(port: number, path: string) {
  const socket = connect({ host: '127.0.0.1', port })
  onTestFinished(() => void socket.destroy())
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => (received += text))
  socket.on('error', () => {
    // Reset: it was cut.
  })
  const key = 'x3JJHMbDL1EzLkh9GBhXDw=='
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  )
  await waitFor('the handshake', () => received.includes('\r\n\r\n'))
  return { socket, received: () => received }
}
