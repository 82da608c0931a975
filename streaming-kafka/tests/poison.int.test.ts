import { anOrder, anOrderPlaced } from '@lab/common/testing/builders.ts'
import { call, decided, place } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { counted, isReady, metricsOf } from './log-facts.ts'
import { deadLetters, openPipeline, type StreamingPipeline } from './pipeline.ts'

const event = anOrderPlaced()
const { id: _id, ...withoutId } = event
const text = JSON.stringify(event)

const POISON: { why: string; key: string | null; value: string | null; reason: RegExp }[] = [
  { why: 'no JSON', key: 'k', value: 'nonsense', reason: /^not JSON$/ },
  { why: 'no value', key: 'k', value: null, reason: /^no value$/ },
  { why: 'another schema', key: 'k', value: '{"hello":"world"}', reason: /^schema: specversion/ },
  { why: 'no id', key: event.subject, value: JSON.stringify(withoutId), reason: /^schema: id/ },
  {
    why: 'a quantity of 0',
    key: event.subject,
    value: JSON.stringify({ ...event, data: { ...event.data, quantity: 0 } }),
    reason: /^schema: data\.quantity/,
  },
  { why: 'no key', key: null, value: text, reason: /^no key$/ },
  {
    why: 'the key of another order',
    key: anOrder().order_id,
    value: text,
    reason: /^key and order_id differ$/,
  },
  {
    why: 'two orders in one',
    key: event.subject,
    value: JSON.stringify({ ...event, subject: anOrder().order_id }),
    reason: /^subject and data\.order_id differ$/,
  },
  {
    why: 'a megabyte',
    key: 'k',
    value: 'x'.repeat(1_000_000),
    reason: /^1000000 bytes, the limit is 65536$/,
  },
]

let pipeline: StreamingPipeline
beforeAll(async () => {
  pipeline = await openPipeline()
})
afterAll(() => pipeline?.close())

const lettersFrom = async (topic: string, count: number) =>
  waitFor(`${count} dead letters from ${topic}`, async () => {
    const letters = (await deadLetters(pipeline.probe)).filter(({ origin }) => origin.startsWith(`${topic}/`))
    if (letters.length < count) throw new Error(`${letters.length} so far`)
    return letters
  })

describe('poison in order-events', () => {
  test.each(POISON)(
    'with $why is dead-lettered with its origin and reason',
    async ({ key, value, reason }) => {
      const before = (await deadLetters(pipeline.probe)).length
      await pipeline.probe.produce('order-events', [{ key, value }])
      const { json } = await place(pipeline, { item: 'burger', quantity: 1 })

      expect((await decided(pipeline, json.order_id)).status).toBe('reserved')
      const letters = await lettersFrom('order-events', before + 1)
      const letter = letters.find(({ body, reason: why }) => body === (value ?? '') && reason.test(why))
      expect(letter, JSON.stringify(letters.map(({ reason }) => reason))).toBeDefined()
      expect(letter?.origin).toMatch(/^order-events\/[0-2]\/\d+$/)
    },
  )

  test('is skipped and counted by analytics', async () => {
    const metrics = await counted(pipeline.third, POISON.length)
    expect(metrics.poison).toEqual({ skipped: POISON.length, dead_lettered: 0 })
  })
})

describe('poison in inventory-events', () => {
  test('is dead-lettered once by analytics, whatever is read again', async () => {
    await pipeline.probe.produce('inventory-events', [
      { key: 'k', value: 'nonsense' },
      { key: event.subject, value: text },
    ])
    const reasons = (await lettersFrom('inventory-events', 2)).map(({ reason }) => reason)
    expect(reasons.sort()).toEqual(['not JSON', expect.stringMatching(/^schema: type/)])

    await call('POST', `${pipeline.third.url}/admin/reset-offsets`)
    await isReady(pipeline.third)
    await pipeline.third.stop()
    await pipeline.third.start()

    expect((await metricsOf(pipeline.third)).poison.dead_lettered).toBe(2)
    expect(await lettersFrom('inventory-events', 2)).toHaveLength(2)
  })

  test('does not stop the inventory from rebuilding', async () => {
    const before = (await call('GET', `${pipeline.inventory.url}/stock`)).json
    await pipeline.inventory.stop()
    await pipeline.inventory.start()

    expect((await call('GET', `${pipeline.inventory.url}/stock`)).json).toEqual(before)
    expect(await lettersFrom('order-events', POISON.length)).toHaveLength(POISON.length)
  })
})
