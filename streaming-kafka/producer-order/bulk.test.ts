import type { Order } from '@lab/common/domain/order.ts'
import type { Logger } from '@lab/kit/log.ts'
import { describe, expect, test } from 'vitest'
import { UnknownAppend } from '../broker/appender.ts'
import type { Message } from '../broker/records.ts'
import { type BulkRequest, createBulk } from './bulk.ts'
import { createOrderTable } from './order-table.ts'

const log = { info: () => {} } as unknown as Logger

function setup(append: (messages: Message[]) => Promise<void> = async () => {}) {
  const placed: Order[] = []
  const stopping = new AbortController()
  const table = createOrderTable()
  const view = {
    orders: table,
    place: (orders: Order[]) => {
      placed.push(...orders)
      for (const order of orders) table.place(order)
    },
  }
  const restart = () => createBulk({ orderLog: { append }, view, log, stopping: stopping.signal })
  const run = restart()
  return {
    placed,
    stopping,
    /** The same log under a process that knows no key. */
    restart,
    run,
    placeBulk: async (request: BulkRequest) => (await run(request)).result,
  }
}

const failingAt = (call: number, err: Error) => {
  let calls = 0
  return async () => {
    if (++calls === call) throw err
  }
}

describe('producer-order on POST /orders/bulk', () => {
  test('places exactly as many as asked for, in a mix that repeats', async () => {
    const one = setup()
    const other = setup()

    expect(await one.placeBulk({ count: 2_500 })).toMatchObject({
      requested: 2_500,
      accepted: 2_500,
      unknown: 0,
    })
    await other.placeBulk({ count: 2_500 })

    expect(new Set(one.placed.map(({ order_id }) => order_id)).size).toBe(2_500)
    const mix = ({ item, quantity }: Order) => `${quantity} ${item}`
    expect(one.placed.map(mix)).toEqual(other.placed.map(mix))
    expect(new Set(one.placed.map(mix)).size).toBe(15)
  })

  test('says what the log has for sure and what is unknown', async () => {
    const { placed, placeBulk } = setup(failingAt(3, new UnknownAppend()))

    const result = await placeBulk({ count: 5_000 })

    expect(result).toMatchObject({
      accepted: 2_000,
      unknown: 1_000,
      aborted: expect.stringContaining('Kafka'),
    })
    expect(result.last_order_id).toBe(placed.at(-1)?.order_id)
  })

  test('counts nothing as unknown when nothing was sent', async () => {
    const { placeBulk } = setup(failingAt(1, new Error('away')))

    expect(await placeBulk({ count: 10 })).toMatchObject({
      accepted: 0,
      unknown: 0,
      first_order_id: null,
      aborted: 'away',
    })
  })

  test('ends between two chunks when the service stops', async () => {
    const { stopping, placeBulk } = setup(async () => stopping.abort())

    expect(await placeBulk({ count: 5_000 })).toMatchObject({
      accepted: 1_000,
      aborted: 'the service is stopping',
    })
  })

  test('lets four run at once and refuses a fifth', async () => {
    const open = Promise.withResolvers<void>()
    const { placeBulk } = setup(() => open.promise)
    const running = Array.from({ length: 4 }, () => placeBulk({ count: 1 }))

    await expect(placeBulk({ count: 1 })).rejects.toMatchObject({ code: 'LAB_OVERLOADED' })

    open.resolve()
    await Promise.all(running)
    await expect(placeBulk({ count: 1 })).resolves.toMatchObject({ accepted: 1 })
  })

  test('ends between two chunks when its client is gone', async () => {
    const gone = new AbortController()
    const { run, placed } = setup(async () => gone.abort(new Error('the client is gone')))

    const { result } = await run({ count: 5_000 }, { gone: gone.signal })

    expect(result).toMatchObject({ accepted: 1_000, aborted: 'the client is gone' })
    expect(placed).toHaveLength(1_000)
  })
})

describe('an Idempotency-Key of a bulk', () => {
  const key = { idempotencyKey: 'k' }

  test('places its orders once, and says that an answer is a replay', async () => {
    const { run, placed } = setup()
    const first = await run({ count: 1_500 }, key)
    const again = await run({ count: 1_500 }, key)

    expect(first).toMatchObject({ isReplay: false, result: { accepted: 1_500 } })
    expect(again).toEqual({ isReplay: true, result: first.result })
    expect(placed).toHaveLength(1_500)
  })

  test('completes a bulk that was broken off', async () => {
    const { run, placed } = setup(failingAt(2, new UnknownAppend()))
    expect((await run({ count: 2_500 }, key)).result).toMatchObject({ accepted: 1_000, unknown: 1_000 })

    expect(await run({ count: 2_500 }, key)).toMatchObject({ isReplay: false, result: { accepted: 2_500 } })
    expect(new Set(placed.map(({ order_id }) => order_id)).size).toBe(2_500)
    expect(placed).toHaveLength(2_500)
  })

  test('is known to a new process by what the log has', async () => {
    const { run, restart, placed } = setup()
    const { result } = await run({ count: 10 }, key)
    const fresh = restart()

    expect(await fresh({ count: 10 }, key)).toMatchObject({
      isReplay: true,
      result: { accepted: 10, first_order_id: result.first_order_id, last_order_id: result.last_order_id },
    })
    await expect(restart()({ count: 10, quantity: 7 }, key)).rejects.toMatchObject({ code: 'LAB_KEY_REUSED' })
    await expect(restart()({ count: 5 }, key)).rejects.toMatchObject({ code: 'LAB_KEY_REUSED' })
    expect(placed).toHaveLength(10)
  })

  test('refuses another bulk, and the same one while it is in flight', async () => {
    const open = Promise.withResolvers<void>()
    const { run } = setup(() => open.promise)
    const running = run({ count: 2 }, key)

    await expect(run({ count: 2 }, key)).rejects.toMatchObject({ code: 'LAB_KEY_IN_FLIGHT' })
    await expect(run({ count: 3 }, key)).rejects.toMatchObject({ code: 'LAB_KEY_REUSED' })
    await expect(run({ count: 2 }, { idempotencyKey: 'ü' })).rejects.toMatchObject({
      code: 'LAB_REQUEST_INVALID',
    })
    open.resolve()
    await running
  })
})
