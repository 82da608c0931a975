import { call, place } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/common/testing/wait.ts'
import { startRabbit } from '@lab/lab/stack/brokers/index.ts'
import type { RabbitBroker } from '@lab/lab/stack/brokers/types.ts'
import { localContext } from '@lab/lab/stack/fixtures/lab.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { expectAllReservedOnce, STOCK, startBurst } from './burst.ts'
import { openPipeline, type RabbitPipeline } from './pipeline.ts'

let broker: RabbitBroker
let pipeline: RabbitPipeline
beforeAll(async () => {
  // A broker of its own: these tests end it.
  broker = await startRabbit(localContext(joinRunDir()))
})
afterEach(async () => {
  await broker.control?.start()
  await pipeline?.close()
})
afterAll(() => broker?.close())

const readiness = async (url: string) => (await call('GET', `${url}/ready`)).json
const outbox = async (url: string): Promise<number> => (await call('GET', `${url}/health`)).json.outbox
const becomesReady = (url: string) =>
  waitFor(`${url} to be ready`, async () => (await readiness(url)).ready === true, { timeoutMs: 30_000 })

describe('while the broker is away', () => {
  test.each(['kill', 'stop'] as const)(
    'after a %s orders are still accepted, and all of them are decided once when it is back',
    async (how) => {
      pipeline = await openPipeline({ stock: STOCK, broker })
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

  test('services start, accept orders, and work through them once there is a broker', async () => {
    pipeline = await openPipeline({ stock: STOCK, broker, durable: true })
    const services = pipeline.part.services
    await Promise.all(services.map((service) => service.stop()))
    await broker.control?.kill()
    const starting = Promise.all(services.map((service) => service.start()))
    const alive = (url: string) =>
      waitFor(`${url} to answer`, async () => (await call('GET', `${url}/health`)).status === 200)
    await Promise.all(services.map(({ url }) => alive(url)))
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => place(pipeline, { item: 'burger', quantity: 1 })),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))

    await broker.control?.start()
    await starting
    await expectAllReservedOnce(
      pipeline,
      answers.map(({ json }) => json.order_id),
    )
  })

  test('a service stops within ten seconds, and keeps what it could not publish', async () => {
    pipeline = await openPipeline({ stock: STOCK, broker, durable: true })
    await broker.control?.kill()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => place(pipeline, { item: 'burger', quantity: 1 })),
    )
    expect(await pipeline.part.order.stop()).toMatchObject({
      code: 0,
      ms: expect.toSatisfy((ms) => ms < 10_000),
    })

    await broker.control?.start()
    await pipeline.part.order.start()
    await expectAllReservedOnce(
      pipeline,
      answers.map(({ json }) => json.order_id),
    )
  })
})
