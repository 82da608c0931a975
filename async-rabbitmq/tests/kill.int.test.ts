import { call, decided, place } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { expectAllReservedOnce, STOCK, startBurst } from './burst.ts'
import { openPipeline, type RabbitPipeline } from './pipeline.ts'

let pipeline: RabbitPipeline
afterEach(() => pipeline?.close())

describe('a message in hand', () => {
  test('is decided after all when inventory is killed before it is', async () => {
    pipeline = await openPipeline({ stock: STOCK, durable: true })
    await call('POST', `${pipeline.inventory.url}/admin/delay`, { seconds: 60 })
    const { json } = await place(pipeline, { item: 'burger', quantity: 1 })
    await waitFor('inventory to hold the message', async () => {
      const { unacked } = await pipeline.probe.sampled('inventory_queue')
      return unacked === 1
    })
    await pipeline.inventory.kill()
    await pipeline.inventory.start()

    await decided(pipeline, json.order_id)
    await expectAllReservedOnce(pipeline, [json.order_id])
  })
})

describe('in the middle of a burst', () => {
  test('a connection that is cut comes back by itself and loses nothing', async () => {
    pipeline = await openPipeline({ stock: STOCK })
    const { probe } = pipeline
    const burst = startBurst(pipeline, { clients: 16 })
    for (const queue of ['inventory_queue', 'order_status_queue', 'notification_queue']) {
      await burst.accepted(300)
      const [name] = await waitFor(`the connection that consumes ${queue}`, async () => {
        const names = await probe.consumersOf(queue)
        return names.length > 0 && names
      })
      await probe.cutConnection(name!)
    }
    await burst.accepted(300)
    await expectAllReservedOnce(pipeline, await burst.stop())
    for (const { pid } of pipeline.part.services) expect(pid, 'no service ended').toBeDefined()
  })
})
