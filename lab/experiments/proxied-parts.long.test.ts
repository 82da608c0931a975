import { Order } from '@lab/common/domain/order.ts'
import { waitFor } from '@lab/kit/wait.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import { openTcpProxy, type TcpProxy } from '@lab/stack/tcp-proxy.ts'
import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openPartClient, type PartClient } from '../parts/client.ts'
import { joinRunDir } from '../testing/join-run-dir.ts'
import { sharedServer } from '../testing/shared-server.ts'
import { type RunningTrio, startTrio, type TrioName } from '../trio.ts'

const kafka = sharedServer('kafka')

interface Road {
  /** The services that meet what is behind the proxy only there. */
  services: ServiceProcess[]
  port?: number
  upstream: number
  env: (port: number) => Record<string, string>
}

const roads: Record<TrioName, (part: RunningTrio) => Road> = {
  'sync-rest': ({ order, inventory }) => ({
    services: [order],
    upstream: inventory.port,
    env: (port) => ({ INVENTORY_URL: `http://127.0.0.1:${port}` }),
  }),
  'async-rabbitmq': ({ services, rabbit }) => {
    const url = new URL(rabbit!.url)
    const upstream = Number(url.port)
    return {
      services,
      upstream,
      env: (port) => ({ RABBITMQ_URL: url.href.replace(`:${upstream}/`, `:${port}/`) }),
    }
  },
  'streaming-kafka': ({ services }) => ({
    services,
    port: kafka.proxied!.listen,
    upstream: kafka.proxied!.upstream,
    env: (port) => ({ KAFKA_BROKERS: `127.0.0.1:${port}` }),
  }),
}

const noProxy = kafka.proxied
  ? undefined
  : `the Kafka of this run (${kafka.origin}) has no listener for a proxy`

describe.each(Object.keys(roads) as TrioName[])('%s through a TCP proxy', (name) => {
  test.skipIf(name === 'streaming-kafka' && noProxy)(
    'works, is cut, is refused, and comes back',
    async ({ signal }) => {
      const { part, proxy, first } = await startBehindProxy(name)
      const client = openPartClient(part, signal)
      onTestFinished(() => client[Symbol.asyncDispose]())
      await completesOne(client)
      expect(proxy.connections()).toBeGreaterThan(0)

      proxy.cut()
      await completesOne(client)

      await proxy.refuse()
      await waitFor(`${first.name} not to be ready`, async () => (await readiness(first)) === 503, BOUND)
      await proxy.heal()
      await completesOne(client)
      await waitFor(`${first.name} to be ready`, async () => (await readiness(first)) === 200, BOUND)
    },
  )
})

const BOUND = { timeoutMs: 60_000 }

async function startBehindProxy(
  name: TrioName,
): Promise<{ part: RunningTrio; proxy: TcpProxy; first: ServiceProcess }> {
  const part = await startTrio(name, {
    run: joinRunDir(),
    rabbit: sharedServer('rabbitmq'),
    kafka,
  })
  onTestFinished(() => part.close())
  const { services, port, upstream, env } = roads[name](part)
  const proxy = await openTcpProxy({ upstream: { host: '127.0.0.1', port: upstream }, ...(port && { port }) })
  onTestFinished(() => proxy.close())
  await Promise.all(services.map((service) => service.stop()))
  await Promise.all(services.map((service) => service.start({ env: env(proxy.port) })))
  return { part, proxy, first: services[0]! }
}

/** An order placed now, or as soon as one is accepted, is reserved. */
async function completesOne(client: PartClient): Promise<void> {
  const order_id = await waitFor(
    'an order to be accepted',
    async () => {
      const { status, body } = await client.place({ item: 'burger', quantity: 1 })
      return (status === 201 || status === 202) && Order.parse(body).order_id
    },
    BOUND,
  )
  await waitFor(
    `order ${order_id} to be reserved`,
    async () => {
      const { status } = Order.parse(await client.read('order', `/orders/${order_id}`))
      return status === 'reserved' || status === 'notified'
    },
    BOUND,
  )
}

async function readiness({ url }: ServiceProcess): Promise<number> {
  const { statusCode, body } = await request(`${url}/ready`, {
    reset: true,
    signal: AbortSignal.timeout(2_000),
  })
  await body.dump()
  return statusCode
}
