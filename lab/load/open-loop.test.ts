import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { HistoryRecord } from '../ledger/history.ts'
import { Histogram } from './histogram.ts'
import { generate } from './open-loop.ts'
import type { Snapshot } from './result.ts'
import { startTestService, type TestService, type TestServiceOptions } from './testing/service.ts'

async function service(options?: TestServiceOptions): Promise<TestService> {
  const opened = await startTestService(options)
  onTestFinished(opened.close)
  return opened
}

const percentile = (serialized: string, p: number) => Histogram.from(serialized).percentile(p)!
const maxOf = (serialized: string) => Histogram.from(serialized).max!

describe('open-loop generator', () => {
  test('shows a stall of 1.4 s to every order that was due in it, not only to those on the wire', async () => {
    const target = await service({
      answer: (n) => {
        if (n === 60) target.stall(1_400)
        return 201
      },
    })

    // Two connections: two orders meet the stall on the wire, some 280 because they were due.
    const { response, service: served } = await generate({
      url: target.url,
      rate: { perSecond: 200, seconds: 2 },
      completion: 'response',
      connections: 2,
    })

    expect(percentile(response.ok, 0.9)).toBeGreaterThan(1_000_000)
    expect(percentile(response.ok, 0.5)).toBeGreaterThan(20 * percentile(served.ok, 0.5))
    expect(percentile(response.ok, 0.9)).toBeGreaterThan(20 * percentile(served.ok, 0.9))
    expect(maxOf(response.ok)).toBeGreaterThan(0.9 * maxOf(served.ok))
  })

  test('sends every order of the plan while nothing is answered', async () => {
    const target = await service({ answer: () => 'hang' })

    const {
      counts,
      response,
      service: served,
    } = await generate({
      url: target.url,
      rate: { perSecond: 200, seconds: 0.5 },
      completion: 'response',
      timeoutMs: 700,
    })

    expect(target.posts()).toBe(100)
    expect(counts).toMatchObject({ offered: 100, sent: 100, dropped: 0, ok: 0, unknown: 100 })
    expect(Histogram.from(response.unknown).nearestRank(0)).toBeGreaterThanOrEqual(700_000)
    expect(maxOf(response.unknown)).toBeLessThan(1.7 * 700_000)
    expect(Histogram.from(served.ok).count).toBe(0)
  })

  test('drops slots above the cap, says how many, and declares the run invalid', async () => {
    const target = await service({ answer: () => 'hang' })

    const { counts, verdict } = await generate({
      url: target.url,
      rate: { perSecond: 100, seconds: 0.5 },
      completion: 'response',
      maxInFlight: 10,
      timeoutMs: 900,
    })

    expect(counts).toMatchObject({ offered: 50, sent: 10, dropped: 40, unknown: 10 })
    expect(target.posts()).toBe(10)
    expect(verdict.kept_up).toBe(false)
    expect(verdict.reasons[0]).toContain('40 of 50 slots were dropped')
  })

  test('never mixes the figures of orders that ended differently', async () => {
    const kinds = [201, 422, 500, 'reset'] as const
    const target = await service({ answer: (n) => kinds[n % 4]! })

    const { counts, response } = await generate({
      url: target.url,
      rate: { perSecond: 200, seconds: 0.4 },
      completion: 'response',
    })

    expect(counts).toMatchObject({ sent: 80, ok: 20, rejected: 20, failed: 20, unknown: 20 })
    expect(Object.values(response).map((each) => Histogram.from(each).count)).toEqual([20, 20, 20, 20])
  })

  test('knows the id of an order without an answer by its idempotency key', async () => {
    const target = await service({ answer: (n) => (n % 2 === 0 ? 202 : 'reset') })
    const history: HistoryRecord[] = []

    await generate(
      { url: target.url, rate: { perSecond: 100, seconds: 0.2 }, keyPrefix: 'run', completion: 'response' },
      { onRecord: (record) => history.push(record) },
    )

    expect(history.filter(({ outcome }) => outcome === 'unknown')).toHaveLength(10)
    expect(history.every(({ order_id }) => order_id !== undefined)).toBe(true)
    const answered = history.filter(({ outcome }) => outcome === 'ok')
    expect(answered.every(({ order_id }) => target.orders.has(order_id!))).toBe(true)
  })

  test('ends at once when it is aborted, keeps what there was, and calls it incomplete', async () => {
    const target = await service()
    const abort = new AbortController()
    const started = performance.now()
    const { is_complete, counts, verdict } = await generate(
      { url: target.url, rate: { perSecond: 100, seconds: 30 }, completion: 'response' },
      { signal: abort.signal, onRecord: ({ outcome }) => outcome === 'ok' && abort.abort() },
    )

    expect(performance.now() - started).toBeLessThan(10_000)
    expect(is_complete).toBe(false)
    expect(counts.ok).toBeGreaterThan(0)
    expect(verdict.reasons[0]).toContain('stopped before its time')
  })

  test('reports what it sees while it runs, and in the end by interval', async () => {
    const target = await service()
    const seen: Snapshot[] = []

    const { intervals, counts } = await generate(
      {
        url: target.url,
        rate: { perSecond: 100, seconds: 0.5 },
        completion: 'response',
        intervalMs: 100,
      },
      { onSnapshot: (snapshot) => seen.push(snapshot) },
    )

    expect(seen.length).toBeGreaterThan(1)
    expect(intervals.slice(0, 5).map(({ offered }) => offered)).toEqual([10, 10, 10, 10, 10])
    expect(intervals.reduce((sum, { ok }) => sum + ok, 0)).toBe(counts.ok)
    expect(intervals.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(counts.ok)
  })

  test.each([
    [{ perSecond: 100_001, seconds: 1 }, 'rate.perSecond: 100001 is not above 0 and up to 100000'],
    [{ perSecond: Number.NaN, seconds: 1 }, 'rate.perSecond: NaN'],
    [{ perSecond: 200, seconds: Infinity }, 'rate.seconds: Infinity is no duration'],
  ])('refuses %j before it sends anything', async (rate, problem) => {
    const target = await service()

    await expect(generate({ url: target.url, rate, completion: 'response' })).rejects.toThrow(problem)
    expect(target.posts()).toBe(0)
  })

  test('takes a service that goes away as a result', async () => {
    const target = await startTestService()
    const run = generate({
      url: target.url,
      rate: { perSecond: 100, seconds: 0.6 },
      completion: 'response',
      timeoutMs: 500,
    })
    await waitFor('the run to be under way', () => target.orders.size > 10, { everyMs: 5 })
    await target.close()

    const { counts } = await run

    expect(counts.sent).toBe(60)
    expect(counts.ok).toBeGreaterThan(0)
    expect(counts.unknown).toBeGreaterThan(0)
    expect(counts.ok + counts.unknown).toBe(60)
  })
})
