import { call, place } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bulk, counted } from './log-facts.ts'
import { openPipeline, type StreamingPipeline } from './pipeline.ts'

let pipeline: StreamingPipeline
beforeAll(async () => {
  pipeline = await openPipeline({ stock: 'burger=5000,pizza=5000,salad=5000' })
})
afterAll(() => pipeline?.close())

const lagOf = async (group: string) => (await call('GET', `${pipeline.third.url}/lag?group=${group}`)).json
const throttle = (seconds: number) => call('POST', `${pipeline.third.url}/admin/throttle`, { seconds })

describe('lag', () => {
  test('rises in messages and seconds while analytics is throttled, and drains', async () => {
    await throttle(0.005)
    await bulk(pipeline.order, 500)

    const behind = await waitFor('the lag to be seen', async () => {
      const lag = await lagOf('analytics-group')
      return lag.lag_messages > 300 && lag.lag_seconds > 0.5 && lag
    })
    expect(behind).toMatchObject({ state: 'Stable', members: [{ client_id: 'analytics-consumer' }] })
    expect(behind.partitions).toHaveLength(6)
    const brokers = await pipeline.probe.lag('analytics-group', 'order-events')
    expect(brokers.reduce((sum, { lag }) => sum + lag, 0)).toBeLessThanOrEqual(behind.lag_messages)

    await throttle(0)
    await counted(pipeline.third, 500)
    await waitFor('the lag to be gone', async () => (await lagOf('analytics-group')).lag_messages === 0)
  })

  test('of a stopped inventory is what waits for it, not 0', async () => {
    await place(pipeline, { item: 'burger', quantity: 1 })
    await counted(pipeline.third, 501)
    await pipeline.inventory.stop()
    await bulk(pipeline.order, 50)

    const lag = await lagOf('inventory-group')
    expect(lag).toMatchObject({ state: 'Empty', members: [], lag_messages: 50 })
    const later = await waitFor('the age to grow', async () => {
      const next = await lagOf('inventory-group')
      return next.lag_seconds > lag.lag_seconds + 0.5 && next
    })
    expect(later.lag_messages).toBe(50)
  })

  test('of a group that never was does not exist', async () => {
    const answer = await call('GET', `${pipeline.third.url}/lag?group=nobody`)

    expect(answer.status).toBe(404)
    expect(answer.json.detail).toContain('nobody')
  })
})
