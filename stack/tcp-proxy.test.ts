import type { Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import {
  closedPort,
  collect,
  connectTo,
  dial,
  drains,
  echo,
  endOf,
  numbered,
  open,
  quiet,
  roundTrip,
  serve,
} from './fixtures/sockets.ts'

const MIB = 1024 * 1024

describe('TCP proxy that is whole', () => {
  test('carries bytes both ways in order, and the end of each way on its own', async () => {
    const { proxy } = await echo()
    const sent = numbered(3 * MIB)

    const client = await dial(proxy)
    client.end(sent)

    expect((await buffer(client)).equals(sent)).toBe(true)
    await expect.poll(() => proxy.connections()).toBe(0)
  })

  test('leads new connections to the upstream of now', async () => {
    const [one, two] = [
      await serve((socket) => socket.end('one')),
      await serve((socket) => socket.end('two')),
    ]
    const proxy = await open({ host: '127.0.0.1', port: one })

    expect(String(await buffer(await dial(proxy)))).toBe('one')
    proxy.upstream = { host: '127.0.0.1', port: two }

    expect(String(await buffer(await dial(proxy)))).toBe('two')
  })

  test('resets a client when there is no upstream, or when it refuses', async () => {
    const proxy = await open()
    expect(await endOf(connectTo(proxy))).toBe('ECONNRESET')

    proxy.upstream = { host: '127.0.0.1', port: await closedPort() }

    expect(await endOf(connectTo(proxy))).toBe('ECONNRESET')
  })

  test('passes a reset of either side on to the other', async () => {
    const { proxy, accepted } = await echo()
    const [first, second] = [await dial(proxy), await dial(proxy)]
    await expect.poll(() => accepted.length).toBe(2)
    const upstreamEnded = accepted.map(endOf)

    first.resetAndDestroy()
    const ended = await Promise.race(upstreamEnded)
    for (const socket of accepted) socket.resetAndDestroy()

    expect(ended).toBe('ECONNRESET')
    expect(await endOf(second)).toBe('ECONNRESET')
  })

  test('holds a bounded part of what a slow receiver does not take', async () => {
    const port = await serve((socket) => socket.pause())
    const proxy = await open({ host: '127.0.0.1', port })
    const client = await dial(proxy)

    let sent = 0
    const piece = Buffer.alloc(MIB)
    while (sent < 256 && (client.write(piece) || (await drains(client)))) sent++

    expect(sent).toBeLessThan(64)
  })
})

describe('TCP proxy that is broken', () => {
  test('cuts what is open and takes what comes after', async () => {
    const { proxy, accepted } = await echo()
    const clients = await Promise.all([dial(proxy), dial(proxy)])
    await Promise.all(clients.map((client) => roundTrip(client)))
    const upstreamEnds = accepted.map(endOf)

    proxy.cut()

    expect(await Promise.all(clients.map(endOf))).toEqual(['ECONNRESET', 'ECONNRESET'])
    expect(await Promise.all(upstreamEnds)).toEqual(['ECONNRESET', 'ECONNRESET'])
    await roundTrip(await dial(proxy))
  })

  test('refuses connections until it is healed, on the same port', async () => {
    const { proxy } = await echo()
    const client = await dial(proxy)
    await roundTrip(client)
    const ended = endOf(client)

    await proxy.refuse()

    expect(await ended).toBe('ECONNRESET')
    await expect(dial(proxy)).rejects.toThrow('ECONNREFUSED')
    await proxy.heal()
    await roundTrip(await dial(proxy))
  })

  test('delays each way, and keeps the order of what was sent meanwhile', async () => {
    const { proxy } = await echo()
    const client = await dial(proxy)
    await roundTrip(client)

    proxy.delay(150)
    const before = performance.now()
    client.end(numbered(2 * MIB))
    const answer = await buffer(client)

    // Two ways; the bytes travel together, so it is no multiple of their number.
    expect(performance.now() - before).toBeGreaterThanOrEqual(295)
    expect(answer.equals(numbered(2 * MIB))).toBe(true)
  })

  test.each(['both', 'up', 'down'] as const)(
    'frozen %s keeps the sockets and delivers after it is healed',
    async (which) => {
      const { proxy, accepted, received } = await echo()
      const client = await dial(proxy)
      await roundTrip(client)
      const [before, answers] = [received(), collect(client)]

      proxy.freeze(which)
      client.write('frozen')
      if (which === 'down') await expect.poll(() => received() - before).toBe(6)
      await quiet(client)

      expect(received() - before).toBe(which === 'down' ? 6 : 0)
      expect(answers()).toBe('')
      expect([client.destroyed, accepted[0]?.destroyed]).toEqual([false, false])
      await proxy.heal()
      await expect.poll(answers).toBe('frozen')
    },
  )

  test('does not tell the other side that one is gone while it is frozen', async () => {
    const { proxy, accepted } = await echo()
    const client = await dial(proxy)
    await roundTrip(client)

    proxy.freeze('both')
    client.resetAndDestroy()
    await expect.poll(() => proxy.connections()).toBe(0)
    await quiet(accepted[0] as Socket)
    expect(accepted[0]?.destroyed).toBe(false)
    const ended = endOf(accepted[0] as Socket)
    await proxy.heal()

    expect(await ended).toBe('ECONNRESET')
  })

  test('throttles all connections together, each way', async () => {
    const { proxy } = await echo()
    const clients = await Promise.all([dial(proxy), dial(proxy)])
    proxy.throttle(400_000)

    const before = performance.now()
    const answers = clients.map((client) => {
      client.end(numbered(100_000))
      return buffer(client)
    })
    for (const answer of await Promise.all(answers)) expect(answer.equals(numbered(100_000))).toBe(true)

    // 200 kB at 400 kB/s; the way back overlaps with the way there.
    expect(performance.now() - before).toBeGreaterThan(450)
  })

  test('ends with every connection, healed or not, and closes twice', async () => {
    const { proxy } = await echo()
    const client = await dial(proxy)
    await roundTrip(client)
    const ended = endOf(client)
    proxy.freeze('both')
    client.write('never')

    await Promise.all([proxy.close(), proxy.close()])

    expect(await ended).toBe('ECONNRESET')
    await expect(dial(proxy)).rejects.toThrow('ECONNREFUSED')
  })
})
