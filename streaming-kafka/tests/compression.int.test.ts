import { anOrder, anOrderPlaced } from '@lab/common/testing/builders.ts'
import { decided, place } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { produceCompressed } from '@lab/lab/probes/testing/foreign-kafka.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { counted, isReady, metricsOf } from './log-facts.ts'
import { deadLetters, openPipeline, type StreamingPipeline } from './pipeline.ts'

const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'] as const
const TOPIC = 'order-events'
/** As a topic is that somebody else created, or an earlier version of the lab. */
const KEPT_AS_SENT = { 'retention.ms': '-1', 'compression.type': 'producer' }

let pipeline: StreamingPipeline
beforeAll(async () => {
  pipeline = await openPipeline()
})
afterAll(() => pipeline?.close())

/** One more order by another producer. */
async function placeCompressed(codec: (typeof CODECS)[number]): Promise<string> {
  const order = anOrder({ item: 'burger', quantity: 1 })
  const record = { key: order.order_id, value: JSON.stringify(anOrderPlaced(order)) }
  await produceCompressed(pipeline.part.kafka!, { topic: TOPIC, record, compression: codec })
  return order.order_id
}

const unreadable = async () =>
  (await deadLetters(pipeline.probe)).filter(({ reason }) => reason.includes('cannot be read'))

describe('records that other producers compress', () => {
  test.each(CODECS)('with %s are orders like any other', async (codec) => {
    expect((await decided(pipeline, await placeCompressed(codec))).status).toBe('reserved')
  })

  test.each(CODECS)('with %s are so where the broker keeps them compressed', async (codec) => {
    await pipeline.probe.configure(TOPIC, KEPT_AS_SENT)

    expect((await decided(pipeline, await placeCompressed(codec))).status).toBe('reserved')
  })

  test('that cannot be read are one dead letter and hold up nobody, also after a restart', async () => {
    await pipeline.probe.configure(TOPIC, KEPT_AS_SENT)
    const bomb = { key: anOrder().order_id, value: 'x'.repeat(17 * 1024 * 1024), partition: 0 }
    await produceCompressed(pipeline.part.kafka!, { topic: TOPIC, record: bomb, compression: 'zstd' })

    // One order for each partition, or nearly: some are behind the bomb.
    for (let i = 0; i < 6; i++) {
      const { json } = await place(pipeline, { item: 'pizza', quantity: 1 })
      expect((await decided(pipeline, json.order_id)).status).toBe('reserved')
    }
    const [letter] = await waitFor('its dead letter', async () => {
      const letters = await unreadable()
      return letters.length > 0 && letters
    })
    expect(letter?.origin).toMatch(/^order-events\/0\/\d+$/)
    expect(letter?.reason).toMatch(/^record \d+ cannot be read \(zstd\): /)

    for (const service of pipeline.part.services) await service.stop()
    await Promise.all(pipeline.part.services.map((service) => service.start()))
    const { json } = await place(pipeline, { item: 'pizza', quantity: 1 })
    expect((await decided(pipeline, json.order_id)).status).toBe('reserved')
    await isReady(pipeline.third)
    await counted(pipeline.third, 2 * CODECS.length + 7)
    expect((await metricsOf(pipeline.third)).poison).toEqual({ skipped: 1, dead_lettered: 0 })
    expect(await unreadable()).toHaveLength(1)
  })
})
