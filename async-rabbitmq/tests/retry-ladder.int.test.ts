import { call, decided, notificationsOf, place } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/common/testing/wait.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deadLetters, openPipeline, type RabbitPipeline } from './pipeline.ts'

const STEPS_MS = [300, 700]

let pipeline: RabbitPipeline
beforeAll(async () => {
  pipeline = await openPipeline({ env: { RETRY_LADDER_MS: STEPS_MS.join(',') } })
})
afterAll(() => pipeline?.close())

const setFail = ({ url }: { url: string }, enabled: boolean) =>
  call('POST', `${url}/admin/fail`, { enabled, ttl_seconds: 60 })
const settledAs = async ({ url }: { url: string }, source: string, outcome: string): Promise<number> => {
  const text: string = (await call('GET', `${url}/metrics`, undefined, { accept: 'text/plain' })).json
  const line = text
    .split('\n')
    .find((line) => line.startsWith('lab_messages_consumed_total') && line.includes(`"${outcome}"`))
  return line?.includes(`source="${source}"`) ? Number(line.split(' ').at(-1)) : 0
}

describe('a message whose handler fails', () => {
  test('comes back after each step, and succeeds once the cause is gone', async () => {
    await setFail(pipeline.inventory, true)
    const { json } = await place(pipeline, { item: 'burger', quantity: 1 })
    await waitFor('the first retry', () => settledAs(pipeline.inventory, 'inventory_queue', 'retry'))
    await setFail(pipeline.inventory, false)

    expect((await decided(pipeline, json.order_id)).status).toBe('reserved')
    expect(await pipeline.deadLetters?.()).toEqual([])
  })

  test('is dead-lettered with its reason after the last step, not before', async () => {
    await setFail(pipeline.inventory, true)
    const started = performance.now()
    const { json } = await place(pipeline, { item: 'burger', quantity: 1 })
    const [letter] = await waitFor('the dead letter', async () => {
      const letters = await deadLetters(pipeline.probe)
      return letters.length > 0 && letters
    })
    await setFail(pipeline.inventory, false)

    expect(performance.now() - started).toBeGreaterThan(STEPS_MS.reduce((sum, step) => sum + step))
    expect(letter?.reason).toMatch(/gave up after 3 attempts: LAB_FAULT_INJECTED/)
    expect(letter?.headers).toMatchObject({
      'x-attempts': 3,
      'x-origin-queue': 'inventory_queue',
      'x-original-routing-key': 'order.placed',
    })
    expect(JSON.parse(letter?.body ?? '').subject).toBe(json.order_id)
  })

  test('goes back to the queue it came from and to no other', async () => {
    const before = await settledAs(pipeline.order, 'order_status_queue', 'ack')
    const sent = (await notificationsOf(pipeline)).length
    await setFail(pipeline.third, true)
    await place(pipeline, { item: 'burger', quantity: 1 })
    await waitFor('the retry', () => settledAs(pipeline.third, 'notification_queue', 'retry'))
    await setFail(pipeline.third, false)
    await waitFor('the notification', async () => (await notificationsOf(pipeline)).length === sent + 1)

    // order_status_queue has the same routing key; it saw the event once.
    expect(await settledAs(pipeline.order, 'order_status_queue', 'ack')).toBe(before + 1)
    expect(await settledAs(pipeline.order, 'order_status_queue', 'duplicate')).toBe(0)
  })
})
