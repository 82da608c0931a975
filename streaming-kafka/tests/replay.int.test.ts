import { call, ordersOf, place } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bulk, countByOrder, counted, eventsIn, metricsOf } from './log-facts.ts'
import { openPipeline, type StreamingPipeline } from './pipeline.ts'

const ORDERS = 2_000
let pipeline: StreamingPipeline
beforeAll(async () => {
  pipeline = await openPipeline({ stock: 'burger=500,pizza=5000,salad=5000' })
  expect((await bulk(pipeline.order, ORDERS)).json).toMatchObject({
    requested: ORDERS,
    accepted: ORDERS,
    unknown: 0,
  })
})
afterAll(() => pipeline?.close())

const reset = () => call('POST', `${pipeline.third.url}/admin/reset-offsets`)
const comparable = ({
  replay: _replay,
  duplicates_total: _duplicates,
  orders_per_minute: _ofThisMinute,
  ...numbers
}: Record<string, unknown>) => numbers

describe('analytics-consumer', () => {
  test('counts what the topics hold', async () => {
    const metrics = await counted(pipeline.third, ORDERS)

    const events = await eventsIn(pipeline.probe, 'inventory-events')
    expect((await countByOrder(pipeline.probe, 'order-events')).size).toBe(ORDERS)
    expect(metrics.reserved_total).toBe(events.filter(({ type }) => type === 'InventoryReserved').length)
    expect(metrics.failed_total).toBe(events.filter(({ type }) => type === 'InventoryFailed').length)
    expect(metrics.failed_total).toBeGreaterThan(0)
    expect(metrics.failure_rate).toBeCloseTo(metrics.failed_total / ORDERS)
    expect(metrics.window.orders).toBe(ORDERS)
  })

  test('gives the same answers after a reset, and after two at once', async () => {
    const before = comparable(await counted(pipeline.third, ORDERS))

    const answers = await Promise.all([reset(), reset()])

    expect(answers.map(({ status }) => status)).toEqual([202, 202])
    expect(answers[0]?.json.from).toHaveLength(6)
    expect(comparable(await counted(pipeline.third, ORDERS))).toEqual(before)
  })

  test('gives the same answers after a reset while orders keep coming', async () => {
    const before = await metricsOf(pipeline.third)
    await call('POST', `${pipeline.third.url}/admin/throttle`, { seconds: 0.001 })
    await reset()
    const during = await metricsOf(pipeline.third)
    const more = await Promise.all(
      Array.from({ length: 50 }, () => place(pipeline, { item: 'pizza', quantity: 1 })),
    )
    await call('POST', `${pipeline.third.url}/admin/throttle`, { seconds: 0 })

    expect(during.replay).toMatchObject({ replaying: true })
    expect(during.orders_total).toBeLessThan(before.orders_total)
    expect(more.every(({ status }) => status === 202)).toBe(true)
    const live = comparable(await counted(pipeline.third, ORDERS + 50))
    await reset()
    expect(comparable(await counted(pipeline.third, ORDERS + 50))).toEqual(live)
  })

  test('gives the same answers after a restart', async () => {
    const before = comparable(await counted(pipeline.third, ORDERS + 50))

    await pipeline.third.kill()
    await pipeline.third.start()

    expect(comparable(await counted(pipeline.third, ORDERS + 50))).toEqual(before)
  })

  test('counts a repeated event once', async () => {
    const before = await counted(pipeline.third, ORDERS + 50)
    const [record] = await pipeline.probe.readAll('order-events')
    await pipeline.probe.produce('order-events', [record!, record!])

    const after = await waitFor('the repeats to be read', async () => {
      const metrics = await metricsOf(pipeline.third)
      return metrics.duplicates_total >= before.duplicates_total + 2 && metrics
    })
    expect(after.projection_hash).toBe(before.projection_hash)
    expect(after.orders_total).toBe(before.orders_total)
  })
})

describe('producer-order', () => {
  test('lists the same orders after a restart, from the log alone', async () => {
    const orders = await ordersOf(pipeline)
    expect(orders).toHaveLength(ORDERS + 50)

    await pipeline.order.kill()
    await pipeline.order.start()

    const again = await ordersOf(pipeline)
    const byId = (a: { order_id: string }, b: { order_id: string }) => a.order_id.localeCompare(b.order_id)
    expect(again.sort(byId)).toEqual(orders.sort(byId))
  })

  test.each([0, -1, 1.5, '10', 100_000_000, undefined])('refuses a bulk of %s by name', async (count) => {
    const answer = await call('POST', `${pipeline.order.url}/orders/bulk`, { count })

    expect(answer.status).toBe(400)
    expect(answer.json.errors[0].field).toBe('count')
  })
})
