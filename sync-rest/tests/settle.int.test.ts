import type { Order } from '@lab/common/domain/order.ts'
import {
  allDecided,
  call,
  isReserved,
  notificationsOf,
  ordersOf,
  place,
  stockOf,
} from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openGate } from './gate.ts'
import { type OpenOptions, openPipeline, type SyncRest } from './pipeline.ts'

const full = { burger: 100, pizza: 100, salad: 100 }
const command = { item: 'burger', quantity: 2 } as const
const ORDERS = 10

async function open(order: Record<string, string> = {}, options: OpenOptions = {}): Promise<SyncRest> {
  const settings = { UPSTREAM_TIMEOUT_MS: '400', ...order }
  const pipeline = await openPipeline({ durable: true, serviceEnv: { order: settings }, ...options })
  onTestFinished(() => pipeline.close())
  return pipeline
}

const placeMany = (pipeline: SyncRest) =>
  Promise.all(Array.from({ length: ORDERS }, () => place(pipeline, command)))

const delay = (pipeline: SyncRest, seconds: number) =>
  call('POST', `${pipeline.inventory.url}/admin/delay`, { seconds })

const unsettledOf = async ({ order }: SyncRest): Promise<number> =>
  (await call('GET', `${order.url}/health`)).json.unsettled

const waitUntilSettled = (pipeline: SyncRest) =>
  waitFor('every outcome to be settled', async () => (await unsettledOf(pipeline)) === 0, {
    timeoutMs: 30_000,
  })

/** Every order failed, nobody was notified, and all stock is back. */
async function expectNothingHappened(pipeline: SyncRest): Promise<Order[]> {
  await waitUntilSettled(pipeline)
  const orders = await allDecided(pipeline)
  expect(orders.map(({ status }) => status)).toEqual(Array(orders.length).fill('failed'))
  expect(await notificationsOf(pipeline)).toEqual([])
  expect(await stockOf(pipeline)).toEqual(full)
  return orders
}

describe('an outcome nobody knows', () => {
  test('is 504 timeout, then failed with the stock back, when inventory answers too late', async () => {
    const pipeline = await open()
    await delay(pipeline, 1)

    const answers = await placeMany(pipeline)

    expect(new Set(answers.map(({ status, json }) => `${status} ${json.status}`))).toEqual(
      new Set(['504 timeout']),
    )
    expect(await unsettledOf(pipeline)).toBe(ORDERS)
    await call('DELETE', `${pipeline.inventory.url}/admin/faults`)
    const orders = await expectNothingHappened(pipeline)
    expect(new Set(orders.map(({ reason }) => reason))).toEqual(new Set(['timeout']))
  })

  test('keeps the stock though the late reserve is overtaken by its release', async () => {
    const gate = await openGate('/reserve')
    onTestFinished(gate.close)
    const pipeline = await open({ INVENTORY_URL: gate.url })
    gate.target = pipeline.inventory.url

    await placeMany(pipeline)
    await expectNothingHappened(pipeline)

    expect(gate.held()).toBe(ORDERS)
    expect(await gate.release()).toEqual(Array(ORDERS).fill(409))
    await expectNothingHappened(pipeline)
  })

  test('is settled when an inventory that stood still goes on', async () => {
    const pipeline = await open()
    pipeline.inventory.pause()

    await placeMany(pipeline)
    pipeline.inventory.resume()

    await expectNothingHappened(pipeline)
  })

  test('is 503 failed, and settled after the restart, when inventory is killed before it answers', async () => {
    const pipeline = await open({ UPSTREAM_TIMEOUT_MS: '10000' })
    await delay(pipeline, 60)
    const answering = placeMany(pipeline)
    await waitForPlaced(pipeline)

    await pipeline.inventory.kill()
    const answers = await answering

    expect(new Set(answers.map(({ status, json }) => `${status} ${json.reason}`))).toEqual(
      new Set(['503 inventory_unavailable']),
    )
    expect(await unsettledOf(pipeline)).toBe(ORDERS)
    await pipeline.inventory.start()
    await expectNothingHappened(pipeline)
  })

  test('is found in the store and settled when the order service is killed while it waits', async () => {
    const pipeline = await open({ UPSTREAM_TIMEOUT_MS: '10000' })
    await delay(pipeline, 60)
    const unanswered = placeMany(pipeline).catch(() => 'no answer')
    await waitForPlaced(pipeline)

    await pipeline.order.kill()
    expect(await unanswered).toBe('no answer')
    // Ends the delay: the reservations of the orders nobody waits for any more are made now.
    await call('DELETE', `${pipeline.inventory.url}/admin/faults`)
    await waitFor('the late reservations', async () => (await stockOf(pipeline)).burger < full.burger)
    await pipeline.order.start()

    expect(await expectNothingHappened(pipeline)).toHaveLength(ORDERS)
  })

  test('survives the restart of the order service while inventory stays silent', async () => {
    const pipeline = await open()
    pipeline.inventory.pause()
    await placeMany(pipeline)

    await pipeline.order.kill()
    const restarted = pipeline.order.start()
    pipeline.inventory.resume()
    await restarted

    await expectNothingHappened(pipeline)
  })
})

describe('a stop', () => {
  test('in time gives up a call that hangs, answers its client, and settles after the restart', async () => {
    const pipeline = await open({ UPSTREAM_TIMEOUT_MS: '60000', SHUTDOWN_DEADLINE_MS: '4000' })
    await delay(pipeline, 60)
    const answering = placeMany(pipeline)
    await waitForPlaced(pipeline)

    const ended = await pipeline.order.stop()

    expect(ended).toMatchObject({ code: 0 })
    expect(ended.ms).toBeLessThan(4_000)
    for (const { status } of await answering) expect(status).toBe(503)
    await call('DELETE', `${pipeline.inventory.url}/admin/faults`)
    await pipeline.order.start()
    await expectNothingHappened(pipeline)
  })

  test('of inventory ends an injected delay instead of waiting it out', async () => {
    const pipeline = await open({ UPSTREAM_TIMEOUT_MS: '20000' })
    await delay(pipeline, 60)
    const answering = placeMany(pipeline)
    await waitForPlaced(pipeline)

    const ended = await pipeline.inventory.stop()

    expect(ended).toMatchObject({ code: 0 })
    expect(ended.ms).toBeLessThan(5_000)
    await pipeline.inventory.start()
    const answers = await answering
    await waitUntilSettled(pipeline)
    const reserved = (await allDecided(pipeline)).filter(isReserved).length
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(reserved)
    expect((await stockOf(pipeline)).burger).toBe(full.burger - reserved * command.quantity)
  })
})

const waitForPlaced = (pipeline: SyncRest) =>
  waitFor('all orders to be placed', async () => (await ordersOf(pipeline)).length === ORDERS)
