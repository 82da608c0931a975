import { Order } from '@lab/common/domain/order.ts'
import { waitFor } from '@lab/kit/wait.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import type { TcpProxy } from '@lab/stack/tcp-proxy.ts'
import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Setting } from '../part.ts'
import { openPartClient, type PartClient } from '../parts/client.ts'
import { drivers } from '../parts/index.ts'
import { joinRunDir } from '../testing/join-run-dir.ts'
import { sharedServer } from '../testing/shared-server.ts'
import { type RunningTrio, startTrio, TRIOS, type TrioName } from '../trio.ts'

const kafka = sharedServer('kafka')

const noProxy = kafka.proxied
  ? undefined
  : `the Kafka of this run (${kafka.origin}) has no listener for a proxy`

describe.each(TRIOS)('%s through a TCP proxy', (name) => {
  test.skipIf(name === 'streaming-kafka' && noProxy)(
    'works, is cut, is refused, and comes back',
    async ({ signal }) => {
      const { part, proxy } = await startBehindProxy(name, signal)
      const first = part.order
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
  signal: AbortSignal,
): Promise<{ part: RunningTrio; proxy: TcpProxy }> {
  const rabbit = sharedServer('rabbitmq')
  const { wire, options, close } = await drivers[name].wire({
    server: (async (server: 'rabbitmq' | 'kafka') =>
      ({ rabbitmq: rabbit, kafka })[server]) as Setting['server'],
    signal,
  })
  onTestFinished(close)
  const part = await startTrio(name, { run: joinRunDir(), rabbit, kafka, ...options })
  onTestFinished(() => part.close())
  return { part, proxy: wire! }
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
