import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { waitFor } from '@lab/kit/wait.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { freshVhost } from '@lab/stack/rabbit-vhost.ts'
import pino from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Connection, connectBroker } from './connection.ts'
import { startCuttingProxy } from './cutting-proxy.ts'

const log = pino({ level: 'silent' })
const connectTo = async (url: string) => {
  const broker = await connectBroker({ url, name: 'connection-test', ladderMs: [1_000], retryForMs: 0, log })
  onTestFinished(() => broker.close())
  return broker
}

describe('a connection', () => {
  test('that dies at any moment of its handshake or setup is built again, and then works', async () => {
    const vhost = await freshVhost(sharedServer('rabbitmq'))
    onTestFinished(() => vhost.close())
    // Handshake and setup together take some 840 bytes from RabbitMQ: cut in the first frame, and then ever later.
    const cuts = [100, 515, 545, 600, 660, 700, 760]
    const proxy = await startCuttingProxy(vhost.url, (n) => cuts[n])
    onTestFinished(() => proxy.close())
    const broker = await connectTo(proxy.url)
    const opened: Connection[] = []
    broker.onConnected(async (connection) => void opened.push(connection))

    await waitFor(
      'a connection that works',
      async () => {
        await opened.at(-1)?.createChannel()
        return proxy.accepted() === cuts.length + 1 && broker.state() === 'ok'
      },
      { timeoutMs: 60_000, everyMs: 100 },
    )
  })

  test('that dies in the last answer of its setup, the one that amqplib then waits for without end, is built again', async () => {
    const vhost = await freshVhost(sharedServer('rabbitmq'))
    onTestFinished(() => vhost.close())
    const connectedBy = async (budget: (n: number) => number | undefined) => {
      const proxy = await startCuttingProxy(vhost.url, budget)
      onTestFinished(() => proxy.close())
      const broker = await connectTo(proxy.url)
      await waitFor('a connection', () => broker.state() === 'ok', { timeoutMs: 20_000 })
      return proxy
    }
    const whole = (await connectedBy(() => undefined)).received(0)

    // The answer to the close of the channel has 12 bytes.
    const missing = [1, 6, 11, 12, 13]
    const proxies = await Promise.all(
      missing.map((bytes) => connectedBy((n) => (n === 0 ? whole - bytes : undefined))),
    )
    expect(proxies.map((proxy) => proxy.accepted())).toEqual(missing.map(() => 2))
  })

  test('to a broker that accepts and never answers is given up in time, and can be closed', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as AddressInfo
    const broker = await connectTo(`amqp://127.0.0.1:${port}`)

    await waitFor('the attempt to time out', () => /ETIMEDOUT/.test(broker.state()))
    const started = performance.now()
    await broker.close()
    expect(performance.now() - started).toBeLessThan(3_000)
  })

  test('is refused with a reason that names the queue whose arguments differ', async () => {
    const vhost = await freshVhost(sharedServer('rabbitmq'))
    onTestFinished(() => vhost.close())
    const first = await connectTo(vhost.url)
    const connection = await new Promise<Connection>((resolve) =>
      first.onConnected(async (connection) => resolve(connection)),
    )
    const channel = await connection.createChannel()
    await channel.deleteQueue('dlq_queue')
    await channel.assertQueue('dlq_queue', { durable: false })
    const second = await connectTo(vhost.url)

    await waitFor('the reason', () => /PRECONDITION_FAILED.*dlq_queue/.test(second.state()))
  })
})
