import type { Order } from '@lab/common/domain/order.ts'
import type { Logger } from '@lab/common/kit/log.ts'
import { describe, expect, test } from 'vitest'
import { UnknownAppend } from '../broker/appender.ts'
import type { Message } from '../broker/records.ts'
import { createBulk } from './bulk.ts'

const log = { info: () => {} } as unknown as Logger

function setup(append: (messages: Message[]) => Promise<void> = async () => {}) {
  const placed: Order[] = []
  const stopping = new AbortController()
  const view = { place: (orders: Order[]) => void placed.push(...orders) }
  return {
    placed,
    stopping,
    placeBulk: createBulk({ orderLog: { append }, view, log, stopping: stopping.signal }),
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
})
