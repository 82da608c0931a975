import { type Order, placed } from '@lab/common/domain/order.ts'
import { newOrderId } from '@lab/common/ids.ts'
import { OrderStream } from '@lab/common/order-stream.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { openStore } from '@lab/kit/store.ts'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createOrders, type Orders, SCHEMA } from './orders.ts'
import { startSettler } from './settle.ts'
import type { Reply } from './upstream.ts'

const released: Reply = { kind: 'answered', status: 200, text: '{"released":true}' }
const log = createLog('test', 'silent')

function openOrders() {
  const store = openStore('order-service', undefined, SCHEMA)
  const stream = new OrderStream()
  onTestFinished(() => stream.close())
  const reopen = () => createOrders(store, { stream, metrics: createMetrics('test') })
  return { orders: reopen(), reopen }
}

async function placeOne(orders: Orders): Promise<Order> {
  const order = placed({ item: 'salad', quantity: 1 }, newOrderId(), Date.now())
  await orders.place(order)
  return order
}

async function unknown(
  orders: Orders,
  outcome: { status: 'timeout' } | { status: 'failed' },
): Promise<Order> {
  const order = await placeOne(orders)
  await orders.decide(order.order_id, {
    isUnknown: true,
    ...outcome,
    ...(outcome.status === 'failed' && { reason: 'inventory_error' }),
  })
  return order
}

function settle(orders: Orders, post: (path: string, body: unknown) => Promise<Reply>) {
  const settler = startSettler({ orders, inventory: { post }, log })
  onTestFinished(() => settler.stop())
  return settler
}

describe('settling', () => {
  test('releases until inventory has answered, then fails the order', async () => {
    const { orders } = openOrders()
    const { order_id } = await unknown(orders, { status: 'timeout' })
    const replies: Reply[] = [
      { kind: 'timeout' },
      { kind: 'answered', status: 500, text: '' },
      { kind: 'unreachable', cause: new Error('away') },
      released,
    ]
    const post = vi.fn(async () => replies.shift() ?? released)
    settle(orders, post)

    await vi.waitFor(() => expect(orders.countUnsettled()).toBe(0), { timeout: 5_000 })

    expect(post.mock.calls).toEqual(Array(4).fill(['/release', { order_id }]))
    expect(orders.get(order_id)).toMatchObject({ status: 'failed', reason: 'timeout' })
  })

  test('leaves the reason of an order that was answered as failed', async () => {
    const { orders } = openOrders()
    const { order_id } = await unknown(orders, { status: 'failed' })
    settle(orders, async () => released)

    await vi.waitFor(() => expect(orders.countUnsettled()).toBe(0))

    expect(orders.get(order_id)).toMatchObject({ status: 'failed', reason: 'inventory_error' })
  })

  test('goes on when it is woken', async () => {
    const { orders } = openOrders()
    const settler = settle(orders, async () => released)
    await unknown(orders, { status: 'timeout' })
    settler.wake()

    await vi.waitFor(() => expect(orders.countUnsettled()).toBe(0))
  })

  test('does not let one order that fails hold up the others', async () => {
    const { orders } = openOrders()
    const all = await Promise.all(Array.from({ length: 100 }, () => unknown(orders, { status: 'timeout' })))
    const stuck = all.map(({ order_id }) => order_id).sort()[0]
    settle(orders, async (_, body) => ((body as Order).order_id === stuck ? { kind: 'timeout' } : released))

    await vi.waitFor(() => expect(orders.countUnsettled()).toBe(1))
  })

  test('takes over an order whose outcome could not be stored, as soon as it can be', async () => {
    const { orders } = openOrders()
    const { order_id } = await placeOne(orders)
    const decide = vi.fn(orders.decide)
    for (let n = 0; n < 2; n++) decide.mockRejectedValueOnce(new Error('database or disk is full'))
    const settler = settle({ ...orders, decide }, async () => released)
    settler.undecided(order_id)

    await vi.waitFor(() => expect(orders.get(order_id)).toMatchObject({ status: 'failed' }), {
      timeout: 5_000,
    })
    expect(decide).toHaveBeenCalledTimes(3)
    expect(orders.countUnsettled()).toBe(0)
  })

  test('takes up an order that was in flight when the process died', async () => {
    const { orders, reopen } = openOrders()
    const { order_id } = await placeOne(orders)

    const reopened = reopen()
    expect(reopened.get(order_id)?.status).toBe('timeout')
    expect([...reopened.unsettled()]).toEqual([[order_id]])

    settle(reopened, async () => released)
    await vi.waitFor(() => expect(reopened.get(order_id)?.status).toBe('failed'))
  })
})
