import { call, place } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { localContext } from '@lab/stack/fixtures/lab.ts'
import { startRabbit } from '@lab/stack/servers/index.ts'
import type { RabbitBroker } from '@lab/stack/servers/rabbitmq/broker.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { expectAllReservedOnce, STOCK, startBurst } from './burst.ts'
import { openPipeline, type RabbitPipeline } from './pipeline.ts'

let broker: RabbitBroker
let pipeline: RabbitPipeline
beforeAll(async () => {
  // A broker of its own: these tests end it.
  broker = await startRabbit(localContext(joinRunDir()))
  pipeline = await openPipeline({ stock: STOCK, broker, durable: true })
})
afterEach(() => broker.control?.start())
afterAll(async () => {
  await broker?.close()
  await pipeline?.close()
})

const readiness = async (url: string) => (await call('GET', `${url}/ready`)).json
const outbox = async (url: string): Promise<number> => (await call('GET', `${url}/health`)).json.outbox
const becomesReady = (url: string) =>
  waitFor(`${url} to be ready`, async () => (await readiness(url)).ready === true, { timeoutMs: 30_000 })

describe('while the broker is away', () => {
  test.each(['kill', 'stop'] as const)(
    'after a %s orders are still accepted, and all of them are decided once when it is back',
    async (how) => {
      const { order, inventory, third } = pipeline
      const burst = startBurst(pipeline)
      await burst.accepted(300)
      await broker.control?.[how]()
      await waitFor('order-service to say that it is not ready', async () => {
        const { checks, ready } = await readiness(order.url)
        return !ready && /connecting/.test(checks.broker)
      })
      const before = await outbox(order.url)
      await burst.accepted(300)
      expect(await outbox(order.url)).toBeGreaterThanOrEqual(before + 300)

      await broker.control?.start()
      await Promise.all([order, inventory, third].map(({ url }) => becomesReady(url)))
      await burst.accepted(100)
      const accepted = await burst.stop()

      expect(new Set(burst.statuses)).toEqual(new Set([202]))
      await expectAllReservedOnce(pipeline, accepted)
      expect(await outbox(order.url)).toBe(0)
    },
  )

  test('a service stops within ten seconds, starts again, accepts orders, and publishes all once there is a broker', async () => {
    const services = pipeline.part.services
    await broker.control?.kill()
    const accepted = await placeMany(pipeline)
    for (const { code, ms } of await Promise.all(services.map((service) => service.stop()))) {
      expect(code).toBe(0)
      expect(ms).toBeLessThan(10_000)
    }

    const starting = Promise.all(services.map((service) => service.start()))
    const alive = (url: string) =>
      waitFor(`${url} to answer`, async () => (await call('GET', `${url}/health`)).status === 200)
    await Promise.all(services.map(({ url }) => alive(url)))
    accepted.push(...(await placeMany(pipeline)))

    await broker.control?.start()
    await starting
    await expectAllReservedOnce(pipeline, accepted)
  })
})

/** Twenty at once, all accepted; their ids. */
async function placeMany(pipeline: RabbitPipeline): Promise<string[]> {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => place(pipeline, { item: 'burger', quantity: 1 })),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  return answers.map(({ json }) => json.order_id)
}
