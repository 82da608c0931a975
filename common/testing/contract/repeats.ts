import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, test } from 'vitest'
import type { Features } from '../features.ts'
import { decided, isReserved, notificationsOf, type Pipeline, place, stockOf } from '../pipeline.ts'

/** Whatever is sent or delivered twice has one effect. */
export function repeatsContract(features: Features, pipeline: () => Pipeline): void {
  const accepted = features.answersWithOutcome ? 201 : 202

  describe('the same message delivered again', () => {
    test('moves stock once and notifies once', async () => {
      const { json } = await place(pipeline(), { item: 'burger', quantity: 2 })
      await decided(pipeline(), json.order_id)
      const before = await stockOf(pipeline())
      for (let i = 0; i < 3; i++) await pipeline().repeat(json.order_id)

      // An order placed behind the repeats is decided after them.
      const behind = await place(pipeline(), { item: 'burger', quantity: 1 })
      await decided(pipeline(), behind.json.order_id)
      await waitFor(
        'stock to show the order behind',
        async () => (await stockOf(pipeline())).burger < before.burger,
      )
      expect(await stockOf(pipeline())).toEqual({ ...before, burger: before.burger - 1 })
      expect(isReserved(await decided(pipeline(), json.order_id))).toBe(true)
      if (features.notifies === 'never') return
      const sent = await waitFor('the order behind to be notified', async () => {
        const sent = await notificationsOf(pipeline())
        return sent.some(({ order_id }) => order_id === behind.json.order_id) && sent
      })
      expect(sent.filter(({ order_id }) => order_id === json.order_id)).toHaveLength(1)
    })
  })

  describe('an Idempotency-Key', () => {
    test('answers the same order to the same body, and 422 to another', async () => {
      const key = { 'idempotency-key': `contract-${Date.now()}` }
      const first = await place(pipeline(), { item: 'salad', quantity: 2 }, key)
      const order = await decided(pipeline(), first.json.order_id)
      const left = (await stockOf(pipeline())).salad
      const again = await place(pipeline(), { item: 'salad', quantity: 2 }, key)

      expect(again.status).toBe(accepted)
      expect(again.json.order_id).toBe(order.order_id)
      expect(first.headers.get('idempotency-replayed')).toBeNull()
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      expect((await place(pipeline(), { item: 'salad', quantity: 3 }, key)).status).toBe(422)
      expect((await stockOf(pipeline())).salad).toBe(left)
    })

    test('decides one order when many clients send it at once', async () => {
      const key = { 'idempotency-key': `contract-race-${Date.now()}` }
      const before = (await stockOf(pipeline())).salad
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => place(pipeline(), { item: 'salad', quantity: 1 }, key)),
      )

      expect(answers.filter(({ status }) => status !== accepted && status !== 409)).toEqual([])
      const ids = new Set(
        answers.filter(({ status }) => status === accepted).map(({ json }) => json.order_id),
      )
      expect(ids.size).toBe(1)
      await decided(pipeline(), [...ids][0])
      expect((await stockOf(pipeline())).salad).toBe(before - 1)
    })
  })
}
