import { readFileSync } from 'node:fs'
import { decided, place } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { rabbitApi } from '@lab/stack/servers/rabbitmq/api.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPipeline, type RabbitPipeline } from './pipeline.ts'

let pipeline: RabbitPipeline
beforeAll(async () => {
  pipeline = await openPipeline()
})
afterAll(() => pipeline?.close())

/** As an operator does on the management page. */
const remove = (path: (vhost: string) => string) => {
  const rabbit = pipeline.part.rabbit!
  return rabbitApi(rabbit, 'DELETE', path(encodeURIComponent(new URL(rabbit.url).pathname.slice(1))))
}

describe('when a piece of the topology is gone', () => {
  test('a consumer whose queue was deleted declares it again and consumes it', async () => {
    await remove((vhost) => `/queues/${vhost}/order_status_queue`)
    await waitFor(
      'the queue to be consumed again',
      async () => (await pipeline.probe.depth('order_status_queue')).consumers === 1,
    )
    const { json } = await place(pipeline, { item: 'burger', quantity: 1 })
    expect((await decided(pipeline, json.order_id)).status).toBe('reserved')
  })

  test('an unroutable order, which the broker confirms too, stays in the outbox and is routed later', async () => {
    // The probe's tap would take the message in the place of the queue.
    await pipeline.probe.close()
    await remove((vhost) => `/bindings/${vhost}/e/orders_exchange/q/inventory_queue/order.placed`)
    const { json } = await place(pipeline, { item: 'burger', quantity: 1 })

    expect((await decided(pipeline, json.order_id)).status).toBe('reserved')
    expect(readFileSync(pipeline.order.logFile, 'utf8')).toContain('event unroutable')
  })
})
