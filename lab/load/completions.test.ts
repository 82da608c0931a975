import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type CompletedOrder, Completions } from './completions.ts'
import { Histogram } from './histogram.ts'
import { generate } from './open-loop.ts'
import { startTestService, type TestServiceOptions } from './testing/service.ts'

async function service(options?: TestServiceOptions) {
  const opened = await startTestService({ answer: () => 202, told: 'placed', ...options })
  onTestFinished(opened.close)
  return opened
}

describe('completion latency', () => {
  test.each(['before', 'after'] as const)(
    'is seen through the stream when the event comes %s the response, and nothing is polled',
    async (shows) => {
      const target = await service({ shows, delayMs: 5 })

      const { counts, completion, not_completed } = await generate({
        url: target.url,
        rate: { perSecond: 100, seconds: 0.4 },
        completion: 'stream',
      })

      expect(counts).toMatchObject({ ok: 40, completed: 40, looked_up: 0 })
      const reserved = Histogram.from(completion.reserved)
      expect(reserved.count).toBe(40)
      expect(reserved.nearestRank(0)).toBeGreaterThanOrEqual(5_000)
      expect(not_completed).toBe(0)
      expect(target.asked).toEqual([])
    },
  )

  test('is the response where the response is the outcome, and a refusal is not averaged in', async () => {
    const target = await startTestService({ told: 'failed', answer: () => 422 })
    onTestFinished(target.close)

    const { counts, completion } = await generate({
      url: target.url,
      rate: { perSecond: 100, seconds: 0.2 },
      completion: 'response',
    })

    expect(counts).toMatchObject({ rejected: 20, completed: 0, completed_failed: 20 })
    const { reserved, failed } = completion
    expect([reserved, failed].map((each) => Histogram.from(each).count)).toEqual([0, 20])
  })

  test('of orders decided while the stream was broken is looked up, and counted as such', async () => {
    const target = await service()
    const run = generate({
      url: target.url,
      rate: { perSecond: 100, seconds: 0.3 },
      completion: 'stream',
      drainMs: 5_000,
    })
    await waitFor('every order to be placed', () => target.orders.size === 30)
    target.cutStream()
    for (const order_id of target.orders.keys()) target.show(order_id, 'reserved')

    const { counts, completion, not_completed } = await run

    expect(counts).toMatchObject({ completed: 30, looked_up: 30 })
    const reserved = Histogram.from(completion.reserved)
    expect(reserved.count).toBe(30)
    // When the stream is back, not when the patience of the run ends.
    expect(reserved.max).toBeLessThan(5_000_000)
    expect(not_completed).toBe(0)
  })

  test('does not exist for orders that never completed, and the run ends all the same', async () => {
    const target = await service()

    const { counts, completion, not_completed } = await generate({
      url: target.url,
      rate: { perSecond: 100, seconds: 0.1 },
      completion: 'stream',
      drainMs: 200,
    })

    expect(counts).toMatchObject({ ok: 10, completed: 0 })
    expect(Histogram.from(completion.reserved).count).toBe(0)
    expect(not_completed).toBe(10)
    expect(target.asked).toHaveLength(10)
  })

  test('needs a stream that can be read', async () => {
    const target = await startTestService()
    await target.close()

    await expect(
      generate({ url: target.url, rate: { perSecond: 100, seconds: 1 }, completion: 'stream' }),
    ).rejects.toThrow('GET /orders/stream cannot be read')
  })
})

describe('completions', () => {
  const awaited = { intendedAt: 0 }

  test('hold a bounded number of early events, the newest ones', () => {
    const completed: CompletedOrder[] = []
    const completions = new Completions((order) => completed.push(order), 100)
    for (let i = 0; i < 1_000; i++) completions.observe(`order-${i}`, 'reserved', i)

    for (let i = 0; i < 1_000; i++) completions.expect(`order-${i}`, awaited)

    expect(completed.map(({ seenAt }) => seenAt)).toEqual(Array.from({ length: 100 }, (_, i) => 900 + i))
    expect(completions.awaiting).toBe(900)
  })

  test('take the first terminal status, and no later one', () => {
    const completed: CompletedOrder[] = []
    const completions = new Completions((order) => completed.push(order))
    completions.expect('order', awaited)

    completions.observe('order', 'placed', 1)
    completions.observe('order', 'reserved', 2)
    completions.observe('order', 'notified', 3)

    expect(completed).toMatchObject([{ status: 'reserved', seenAt: 2 }])
  })
})
