import { parseStock } from '@lab/common/domain/stock.ts'
import { ordersOf, stockOf } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { allDecidedOnce, bulk, counted, leftAfter } from './log-facts.ts'
import { openPipeline, type StreamingPipeline } from './pipeline.ts'

// Enough for half of the orders, so that it matters which of them came first and that none is decided twice.
const STOCK = 'burger=6000,pizza=6000,salad=6000'
/** About ten transactions of the inventory, so that a kill meets one of them half done. */
const BULK = 12_000
const KILLS = 2

let pipeline: StreamingPipeline
afterEach(() => pipeline?.close())

describe('SIGKILL in the middle of a bulk', () => {
  test.each(['inventory', 'third'] as const)(
    'of %s loses nothing and decides nothing twice',
    async (role) => {
      pipeline = await openPipeline({ stock: STOCK })
      const placing = bulk(pipeline.order, BULK)
      for (let kill = 0, seen = 0; kill < KILLS; kill++) {
        seen = await waitFor('more orders to be decided', async () => {
          const written = await writtenTo('inventory-events')
          return written > seen && written
        })
        await pipeline[role].kill()
        await pipeline[role].start()
      }

      expect((await placing).json).toMatchObject({ accepted: BULK, unknown: 0 })
      expect(await allDecidedOnce(pipeline.probe)).toHaveLength(BULK)
      await expectConserved()
      await counted(pipeline.third, BULK)
    },
  )

  test('of the producer loses no order it had acknowledged', async () => {
    pipeline = await openPipeline({ stock: STOCK })
    const acknowledged = (await bulk(pipeline.order, 500)).json
    const placing = bulk(pipeline.order, 100_000).catch(() => undefined)
    await waitFor('the bulk to have begun', async () => {
      return (await writtenTo('order-events')) > 1_500
    })

    await pipeline.order.kill()
    expect(await placing, 'no answer: how far it came is unknown').toBeUndefined()
    await pipeline.order.start()

    const inLog = await allDecidedOnce(pipeline.probe)
    for (const order_id of [acknowledged.first_order_id, acknowledged.last_order_id])
      expect(inLog).toContain(order_id)
    const listed = await ordersOf(pipeline)
    expect(listed.map(({ order_id }) => order_id).sort()).toEqual(inLog.sort())
    await expectConserved()
    await counted(pipeline.third, inLog.length)
  })
})

describe('a restart of inventory', () => {
  test('keeps the stock the log began with, whatever STOCK says then', async () => {
    pipeline = await openPipeline({ stock: STOCK })
    await bulk(pipeline.order, 10)
    await counted(pipeline.third, 10)
    const before = await stockOf(pipeline)

    await pipeline.inventory.stop()
    await pipeline.part.inventory.start({ env: { STOCK: 'burger=7,pizza=7,salad=7' } })

    expect(await stockOf(pipeline)).toEqual(before)
  })
})

const writtenTo = async (topic: string) =>
  (await pipeline.probe.endOffsets(topic)).reduce((sum, { end }) => sum + Number(end), 0)

async function expectConserved() {
  const left = await leftAfter(pipeline.probe, parseStock(STOCK))
  expect(Object.values(left).every((count) => count >= 0)).toBe(true)
  expect(await stockOf(pipeline)).toEqual(left)
}
