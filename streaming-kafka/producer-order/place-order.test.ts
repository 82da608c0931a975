import type { Order } from '@lab/common/domain/order.ts'
import type { Logger } from '@lab/kit/log.ts'
import { describe, expect, test } from 'vitest'
import { UnknownAppend } from '../broker/appender.ts'
import type { Message } from '../broker/records.ts'
import { createOrderTable } from './order-table.ts'
import { createPlaceOrder } from './place-order.ts'

const log = { info: () => {} } as unknown as Logger
const pizza = { item: 'pizza', quantity: 2 } as const
const context = (idempotencyKey?: string) => ({ idempotencyKey, traceparent: undefined })

function setup() {
  const table = createOrderTable()
  const appended: Message[][] = []
  let failure: Error | undefined
  const placeOrder = createPlaceOrder({
    orderLog: {
      append: async (messages) => {
        appended.push(messages)
        if (failure) throw failure
      },
    },
    view: { orders: table, place: (orders: Order[]) => orders.forEach((order) => void table.place(order)) },
    log,
  })
  return { table, appended, placeOrder, failWith: (err?: Error) => (failure = err) }
}

describe('producer-order on POST /order', () => {
  test('shows an order only when the log has it', async () => {
    const { table, placeOrder, failWith } = setup()
    failWith(new UnknownAppend())
    await expect(placeOrder(pizza, context())).rejects.toThrow(/may still be in the log/)
    expect(table.size).toBe(0)

    failWith(undefined)
    const { order } = await placeOrder(pizza, context())

    expect(table.get(order.order_id)).toEqual(order)
  })

  test('names the order whose outcome is unknown', async () => {
    const { appended, placeOrder, failWith } = setup()
    failWith(new UnknownAppend())

    const err = await placeOrder(pizza, context()).catch((err: Error) => err)

    expect((err as Error).message).toContain(String(appended[0]?.[0]?.key))
  })

  test('sends the same event again when an unknown order is retried with its key', async () => {
    const { appended, placeOrder, failWith } = setup()
    failWith(new UnknownAppend())
    await placeOrder(pizza, context('k')).catch(() => {})
    failWith(undefined)
    const { order } = await placeOrder(pizza, context('k'))

    const [first, second] = appended.map(([message]) => JSON.parse(String(message?.value)))
    expect(second).toMatchObject({
      id: first.id,
      subject: order.order_id,
      time: first.time,
      data: first.data,
    })
  })

  test('refuses another body under the key of an unknown order', async () => {
    const { placeOrder, failWith } = setup()
    failWith(new UnknownAppend())
    await placeOrder(pizza, context('k')).catch(() => {})

    await expect(placeOrder({ item: 'salad', quantity: 2 }, context('k'))).rejects.toMatchObject({
      code: 'LAB_KEY_REUSED',
    })
  })

  test('appends nothing for a key that is known', async () => {
    const { appended, placeOrder } = setup()
    const first = await placeOrder(pizza, context('k'))
    const second = await placeOrder(pizza, context('k'))

    expect(first.isReplay).toBe(false)
    expect(second).toEqual({ order: first.order, isReplay: true })
    expect(appended).toHaveLength(1)
  })
})
