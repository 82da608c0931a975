import { parseStock } from '@lab/common/domain/stock.ts'
import { type Answer, call, ordersOf, place, stockOf } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { localContext } from '@lab/stack/fixtures/lab.ts'
import { startKafka } from '@lab/stack/servers/index.ts'
import type { KafkaBroker } from '@lab/stack/servers/kafka/broker.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { allDecidedOnce, bulk, counted, isReady, leftAfter, readiness } from './log-facts.ts'
import { openPipeline, type StreamingPipeline } from './pipeline.ts'

const STOCK = 'burger=100000,pizza=100000,salad=100000'
const TIMEOUT_MS = 2_000
/** Sent while the broker is away, and again when it is back. */
const keyed = [{ item: 'salad', quantity: 4 }, { 'idempotency-key': 'unknown-outcome' }] as const

let broker: KafkaBroker
let pipeline: StreamingPipeline
beforeAll(async () => {
  // A broker of its own, because these tests kill it.
  broker = await startKafka(localContext(joinRunDir()))
  pipeline = await openPipeline({ stock: STOCK, broker, env: { PRODUCE_TIMEOUT_MS: String(TIMEOUT_MS) } })
})
afterEach(() => broker.control?.start())
afterAll(async () => {
  await pipeline?.close()
  await broker?.close()
})

const services = () => [pipeline.order, pipeline.inventory, pipeline.third]

describe('while the broker is away', () => {
  test('POST /order answers 503 in time, nothing is ready, and all recovers within 30 s', async () => {
    const first = await place(pipeline, { item: 'burger', quantity: 1 })
    await counted(pipeline.third, 1)
    await broker.control?.kill()

    const answers = await timed(
      Array.from({ length: 20 }, () => () => place(pipeline, { item: 'pizza', quantity: 1 })),
    )
    for (const { answer, ms } of answers) {
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).not.toBeNull()
      expect(ms).toBeLessThan(TIMEOUT_MS + 1_500)
    }
    expect((await place(pipeline, ...keyed)).status).toBe(503)
    await waitFor('every service to say that it is not ready', async () =>
      (await Promise.all(services().map(readiness))).every(({ status }) => status === 503),
    )
    for (const { url } of services()) expect((await call('GET', `${url}/health`)).status).toBe(200)

    await broker.control?.start()
    await Promise.all(services().map((service) => isReady(service, 30_000)))

    // Whatever was answered 503 is in the log or not: the list says so, and nothing is half there.
    const inLog = await allDecidedOnce(pipeline.probe)
    const listed = await ordersOf(pipeline)
    expect(listed.map(({ order_id }) => order_id).sort()).toEqual(inLog.toSorted())
    expect(inLog).toContain(first.json.order_id)
    await expectConserved(inLog.length)
  })

  test('an Idempotency-Key that was answered 503 makes one order when it is repeated afterwards', async () => {
    const retried = await place(pipeline, ...keyed)

    expect(retried.status).toBe(202)
    await counted(pipeline.third, (await allDecidedOnce(pipeline.probe)).length)
    expect((await stockOf(pipeline)).salad).toBe(100_000 - 4)
  })

  test('and back before anyone has noticed, the next order is accepted', async () => {
    await broker.control?.kill()
    await broker.control?.start()
    await Promise.all(services().map((service) => isReady(service, 30_000)))

    const { status, json } = await place(pipeline, { item: 'burger', quantity: 1 })
    expect(status).toBe(202)
    expect(await allDecidedOnce(pipeline.probe)).toContain(json.order_id)
  })

  test('services that start then become ready when it comes', async () => {
    await Promise.all(services().map((service) => service.stop()))
    await broker.control?.kill()
    const starting = services().map((service) => service.start())
    await waitFor('HTTP to answer without a broker', async () =>
      (await Promise.all(services().map(readiness))).every(({ status }) => status === 503),
    )

    await broker.control?.start()
    await Promise.all(starting)

    const { json } = await place(pipeline, { item: 'burger', quantity: 1 })
    expect(await allDecidedOnce(pipeline.probe)).toContain(json.order_id)
  })
})

describe('a broker killed under load', () => {
  test('makes the bulk say how far it came, and loses nothing', async () => {
    const before = (await allDecidedOnce(pipeline.probe)).length
    const placing = bulk(pipeline.order, 1_000_000)
    await waitFor('the bulk to be under way', async () => {
      const ends = await pipeline.probe.endOffsets('order-events')
      return ends.reduce((sum, { end }) => sum + Number(end), 0) >= before + 5_000
    })
    await broker.control?.kill()

    const { status, json } = await placing
    expect(status).toBe(503)
    expect(json).toMatchObject({ code: 'LAB_DEPENDENCY_UNAVAILABLE', requested: 1_000_000 })
    expect(json.accepted).toBeGreaterThanOrEqual(4_000)
    await broker.control?.start()
    await Promise.all(services().map((service) => isReady(service, 30_000)))

    const inLog = await allDecidedOnce(pipeline.probe, 60_000)
    expect(inLog.length - before).toBeGreaterThanOrEqual(json.accepted)
    expect(inLog.length - before).toBeLessThanOrEqual(json.accepted + json.unknown)
    expect(inLog).toContain(json.last_order_id)
    await expectConserved(inLog.length)
  })
})

async function expectConserved(orders: number) {
  await counted(pipeline.third, orders)
  expect(await stockOf(pipeline)).toEqual(await leftAfter(pipeline.probe, parseStock(STOCK)))
}

const timed = (requests: (() => Promise<Answer>)[]) =>
  Promise.all(
    requests.map(async (request) => {
      const startedAt = performance.now()
      const answer = await request()
      return { answer, ms: performance.now() - startedAt }
    }),
  )
