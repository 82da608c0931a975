import { nextIn } from '@lab/kit/paging.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, test } from 'vitest'
import type { Features } from '../features.ts'
import {
  type Answer,
  call,
  decided,
  isReserved,
  ordersOf,
  type Pipeline,
  place,
  stockOf,
} from '../pipeline.ts'
import { readUpdates } from '../update-reader.ts'

/** An order is decided once, by the stock there is, and everybody can see how it went. */
export function ordersContract(features: Features, pipeline: () => Pipeline): void {
  const accepted = features.answersWithOutcome ? 201 : 202

  describe('an order', () => {
    test('is decided once and moves its stock', async () => {
      const before = await stockOf(pipeline())
      const answer = await place(pipeline(), { item: 'burger', quantity: 3 })

      expect(answer.status).toBe(accepted)
      expect(answer.json).toMatchObject({ item: 'burger', quantity: 3, timestamp: expect.any(Number) })
      expect(isReserved(await decided(pipeline(), answer.json.order_id))).toBe(true)
      expect(await stockOf(pipeline())).toEqual({ ...before, burger: before.burger - 3 })
    })

    test.each([11, 101, 10_000])(
      'of %i, beyond the stock, fails with its reason and moves nothing',
      async (quantity) => {
        const before = await stockOf(pipeline())
        const answer = await place(pipeline(), { item: 'pizza', quantity })

        expect(answer.status).toBe(features.answersWithOutcome ? 422 : 202)
        const order = await decided(pipeline(), answer.json.order_id)
        expect(order).toMatchObject({ status: 'failed', reason: 'out_of_stock', quantity })
        expect(await stockOf(pipeline())).toEqual(before)
      },
    )

    test('is told in the event stream, step by step', async () => {
      const stream = await readUpdates(pipeline().order.url)
      const { json } = await place(pipeline(), { item: 'burger', quantity: 1 })
      const last = features.notifies === 'best effort' ? 'notified' : 'reserved'
      await waitFor(`${last} in the stream`, () =>
        stream.updates.some((update) => update.order_id === json.order_id && update.status === last),
      )
      await stream.close()

      const steps = stream.updates.filter(({ order_id }) => order_id === json.order_id)
      expect(steps[0]?.status).toBe('placed')
      expect(steps.every(({ at }) => Math.abs(at - Date.now() / 1_000) < 60)).toBe(true)
    })

    test('is listed among all orders', async () => {
      const { json } = await place(pipeline(), { item: 'burger', quantity: 1 })
      const order = await decided(pipeline(), json.order_id)
      expect((await ordersOf(pipeline())).filter(({ order_id }) => order_id === json.order_id)).toEqual([
        order,
      ])
    })

    test('is found by paging through all orders, one at a time', async () => {
      const { order } = pipeline()
      const ids = (await ordersOf(pipeline())).map(({ order_id }) => order_id)
      const paged: string[] = []
      for (let next: string | undefined = '/orders?limit=1'; next; ) {
        const { json, headers }: Answer = await call('GET', order.url + next)
        expect(json).toHaveLength(1)
        paged.push(json[0].order_id)
        next = nextIn(headers.get('link'))
      }
      expect(paged).toEqual(ids)
      for (const query of ['cursor=none', 'limit=0', 'limit=2&page=2'])
        expect((await call('GET', `${order.url}/orders?${query}`)).status).toBe(400)
    })

    test('nobody placed is not found', async () => {
      for (const id of ['019aa000-0000-7000-8000-000000000000', 'nonsense']) {
        const answer = await call('GET', `${pipeline().order.url}/orders/${id}`)
        expect(answer.status).toBe(404)
        expect(answer.json.detail).toContain(id)
      }
    })
  })

  describe('the last units', () => {
    test('go to exactly as many orders as there are units', async () => {
      const answers = await Promise.all(
        Array.from({ length: 30 }, () => place(pipeline(), { item: 'pizza', quantity: 1 })),
      )
      const orders = await Promise.all(answers.map(({ json }) => decided(pipeline(), json.order_id)))

      expect(orders.filter(isReserved)).toHaveLength(10)
      expect(orders.filter(({ reason }) => reason === 'out_of_stock')).toHaveLength(20)
      expect((await stockOf(pipeline())).pizza).toBe(0)
    })
  })
}
