import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { beforeAll, describe, expect, test } from 'vitest'
import type { LogAdmin } from '../broker/admin.ts'
import { buildApp } from './app.ts'
import { ConsumerFaults } from './faults.ts'
import { createLagReport } from './lag-report.ts'
import { Projection } from './projection.ts'

/** A broker with one empty partition, on which nobody has ever committed. */
const admin = {
  ranges: async () => [{ partition: 0, low: 0, high: 0 }],
  ends: async () => [{ partition: 0, end: 0 }],
  committed: async () => [],
  describeGroup: async () => ({ state: 'Dead', members: [] }),
} as unknown as LogAdmin

let app: Awaited<ReturnType<typeof buildApp>>
let resets = 0
beforeAll(async () => {
  const projection = new Projection()
  const progress = () => ({ replaying: false, from: [], processed: 0, remaining: 0 })
  const reset = async () => {
    resets++
    return []
  }
  app = await buildApp({
    analytics: { status: () => 'ok', progress, reset },
    projection,
    poison: { counts: () => ({ skipped: 0, dead_lettered: 0 }) },
    lag: createLagReport(admin, { positions: () => [], openOrders: () => projection.openOrders() }),
    faults: new ConsumerFaults(),
    metrics: createMetrics('test'),
    log: createLog('test', 'silent'),
  })
  return () => app.close()
})

const post = (contentType: string | undefined, payload: string | undefined) =>
  app.inject({
    method: 'POST',
    url: '/admin/reset-offsets',
    remoteAddress: '127.0.0.1',
    headers: { host: '127.0.0.1', ...(contentType && { 'content-type': contentType }) },
    ...(payload !== undefined && { payload }),
  })

describe('POST /admin/reset-offsets', () => {
  test.each([
    [undefined, undefined],
    ['application/json', undefined],
    ['application/json', ''],
    ['application/json', '{}'],
    ['application/x-www-form-urlencoded', undefined],
    ['application/x-www-form-urlencoded', ''],
    ['text/plain', ''],
  ])('is carried out with content type %s and the body %j', async (contentType, payload) => {
    const before = resets

    expect((await post(contentType, payload)).statusCode).toBe(202)
    expect(resets).toBe(before + 1)
  })

  test.each([
    ['application/x-www-form-urlencoded', 'a=b', 415],
    ['application/json', '{', 400],
    ['application/json', '"'.padEnd(20_000, 'x'), 413],
  ])('is refused with content type %s and another body (%#)', async (contentType, payload, status) => {
    const before = resets
    const answer = await post(contentType, payload)

    expect(answer.statusCode).toBe(status)
    expect(answer.json().errors[0].field).toBe('body')
    expect(resets).toBe(before)
  })
})

describe('GET /lag', () => {
  test('is 404 of a group that does not exist, and names it', async () => {
    const answer = await app.inject('/lag?group=nope')

    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toMatchObject({ code: 'LAB_NOT_FOUND', detail: expect.stringContaining("'nope'") })
  })

  test.each(['analytics-group', 'inventory-group'])('answers of %s before it has joined', async (group) => {
    expect((await app.inject(`/lag?group=${group}`)).json()).toMatchObject({ state: 'Dead', lag_messages: 0 })
  })
})
