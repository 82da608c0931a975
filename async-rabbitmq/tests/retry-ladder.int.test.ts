import { call, decided, notificationsOf, place } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deadLetters, openPipeline, type RabbitPipeline } from './pipeline.ts'

const STEPS_MS = [300, 700]
/** In which the last step comes three times. */
const RETRY_FOR_SECONDS = 2
const ATTEMPTS = 5

let pipeline: RabbitPipeline
beforeAll(async () => {
  pipeline = await openPipeline({
    env: { RETRY_LADDER_MS: STEPS_MS.join(','), RETRY_FOR_SECONDS: String(RETRY_FOR_SECONDS) },
  })
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

  test('is dead-lettered with its reason when it was retried for long enough, not before; its order says so', async () => {
    await setFail(pipeline.inventory, true)
    const started = performance.now()
    const { json } = await place(pipeline, { item: 'burger', quantity: 1 })
    const [letter] = await waitFor('the dead letter', async () => {
      const letters = await deadLetters(pipeline.probe)
      return letters.length > 0 && letters
    })
    const orderOf = async () => (await call('GET', `${pipeline.order.url}/orders/${json.order_id}`)).json
    const waiting = await waitFor('the order to say so', async () => {
      const order = await orderOf()
      return order.dead_letter && order
    })
    await setFail(pipeline.inventory, false)

    expect(performance.now() - started).toBeGreaterThan(RETRY_FOR_SECONDS * 1_000)
    expect(waiting).toMatchObject({
      status: 'placed',
      dead_letter: {
        queue: 'inventory_queue',
        since: Date.parse(letter?.headers['x-dead-lettered-at'] as string) / 1_000,
        reason: letter?.reason,
      },
    })
    expect(letter?.reason).toMatch(new RegExp(`gave up after ${ATTEMPTS} attempts: LAB_FAULT_INJECTED`))
    expect(letter?.headers).toMatchObject({
      'x-attempts': ATTEMPTS,
      'x-origin-queue': 'inventory_queue',
      'x-original-routing-key': 'order.placed',
    })
    expect(JSON.parse(String(letter?.body)).subject).toBe(json.order_id)
    expect((await call('GET', `${pipeline.order.url}/health`)).json.dead_letters).toBe(1)

    // Published again, as whoever looks after dlq_queue does. A first failure then is no last one.
    await setFail(pipeline.inventory, true)
    const { id: messageId } = JSON.parse(String(letter?.body))
    const retries = await settledAs(pipeline.inventory, 'inventory_queue', 'retry')
    await pipeline.probe.sendToQueue('inventory_queue', letter!.body, { messageId, headers: letter!.headers })
    await waitFor(
      'its retry',
      async () => (await settledAs(pipeline.inventory, 'inventory_queue', 'retry')) > retries,
    )
    await setFail(pipeline.inventory, false)

    expect((await decided(pipeline, json.order_id)).status).toBe('reserved')
    expect(await orderOf()).not.toHaveProperty('dead_letter')
    await waitFor('nothing to be waited for', async () => {
      const { dead_letters } = (await call('GET', `${pipeline.order.url}/health`)).json
      return dead_letters === 0
    })
    expect(await deadLetters(pipeline.probe)).toHaveLength(1)
  })

  test('whose notification is a dead letter says so, until that was published again and handled', async () => {
    await pipeline.probe.purge('dlq_queue')
    await setFail(pipeline.third, true)
    const { json } = await place(pipeline, { item: 'burger', quantity: 1 })
    const [letter] = await waitFor('the dead letter', async () => {
      const letters = await deadLetters(pipeline.probe)
      return letters.length > 0 && letters
    })
    const orderOf = async () => (await call('GET', `${pipeline.order.url}/orders/${json.order_id}`)).json
    await waitFor('the order to say so', async () => (await orderOf()).dead_letter)
    expect(await orderOf()).toMatchObject({
      status: 'reserved',
      dead_letter: { queue: 'notification_queue' },
    })
    await setFail(pipeline.third, false)
    const { id: messageId } = JSON.parse(String(letter?.body))
    await pipeline.probe.sendToQueue('notification_queue', letter!.body, {
      messageId,
      headers: letter!.headers,
    })

    await waitFor('the order to be rid of it', async () => !(await orderOf()).dead_letter)
    expect((await notificationsOf(pipeline)).map(({ order_id }) => order_id)).toContain(json.order_id)
  })

  test('goes back to the queue it came from and to no other', async () => {
    const before = await settledAs(pipeline.order, 'order_status_queue', 'ack')
    const sent = (await notificationsOf(pipeline)).length
    const retries = () => settledAs(pipeline.third, 'notification_queue', 'retry')
    const retried = await retries()
    await setFail(pipeline.third, true)
    await place(pipeline, { item: 'burger', quantity: 1 })
    await waitFor('the retry', async () => (await retries()) > retried)
    await setFail(pipeline.third, false)
    await waitFor('the notification', async () => (await notificationsOf(pipeline)).length === sent + 1)

    // order_status_queue has the same routing key; it saw the event once.
    const acked = () => settledAs(pipeline.order, 'order_status_queue', 'ack')
    await waitFor('the status', async () => (await acked()) > before)
    expect(await acked()).toBe(before + 1)
    expect(await settledAs(pipeline.order, 'order_status_queue', 'duplicate')).toBe(0)
  })
})
