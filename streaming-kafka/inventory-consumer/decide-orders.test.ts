import { anOrder, anOrderPlaced } from '@lab/common/testing/builders.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { describe, expect, test } from 'vitest'
import type { OwnerWrite } from '../broker/owner-writer.ts'
import { type LogMessage, toMessage } from '../broker/records.ts'
import { createDecideOrders, type Run } from './decide-orders.ts'
import type { Owner } from './ownership.ts'
import { newStockState } from './stock-state.ts'

const log = {
  info: () => {},
  warn: () => {},
  debug: () => {},
  isLevelEnabled: () => false,
} as unknown as Logger

function setup(write: (write: OwnerWrite) => Promise<void>) {
  const state = newStockState({ burger: 10, pizza: 10, salad: 10 })
  let owner: Owner | undefined = { state, writer: { write, close: async () => {} } }
  const ownership = {
    current: () => owner,
    release: () => {
      owner = undefined
    },
    giveUp: () => {
      owner = undefined
    },
  }
  const decide = createDecideOrders({ ownership, metrics: createMetrics('test'), log })
  return { state, decide, isOwner: () => owner !== undefined }
}

function runOf(partition: number, quantity = 4): Run {
  const event = anOrderPlaced(anOrder({ item: 'pizza', quantity }))
  const { key, value } = toMessage(event)
  const message = { key: Buffer.from(key as string), value: Buffer.from(String(value)) } as LogMessage
  const next = { topic: 'order-events', partition, offset: 1 }
  return { records: [{ origin: { ...next, offset: 0 }, message }], next }
}

describe('deciding orders', () => {
  test('moves the stock only when the log has the decisions', async () => {
    const written = Promise.withResolvers<void>()
    const { state, decide } = setup(() => written.promise)

    const deciding = decide(runOf(0))
    expect(await Promise.race([deciding, new Promise((resolve) => setImmediate(resolve, 'pending'))])).toBe(
      'pending',
    )
    expect(state.stock.pizza).toBe(10)

    written.resolve()
    expect(await deciding).toBe('written')
    expect(state.stock.pizza).toBe(6)
  })

  test('writes decisions and offsets of several partitions in one transaction', async () => {
    const writes: OwnerWrite[] = []
    const { state, decide } = setup(async (write) => void writes.push(write))

    await Promise.all([decide(runOf(0)), decide(runOf(1)), decide(runOf(2))])

    expect(writes).toHaveLength(1)
    expect(writes[0]?.offsets.map(({ partition }) => partition)).toEqual([0, 1, 2])
    expect(writes[0]?.records.map(({ message }) => JSON.parse(String(message.value)).type)).toEqual([
      'InventoryReserved',
      'InventoryReserved',
      'InventoryFailed',
    ])
    expect(state.stock.pizza).toBe(2)
  })

  test.each([
    ['unknown', new Error('timed out')],
    ['fenced', Object.assign(new Error('wrapped'), { cause: { type: 'INVALID_PRODUCER_EPOCH' } })],
  ])('gives up the state when the outcome is %s', async (result, err) => {
    const { state, decide, isOwner } = setup(() => Promise.reject(err))

    expect(await decide(runOf(0))).toBe(result)

    expect(state.stock.pizza).toBe(10)
    expect(isOwner()).toBe(false)
    expect(await decide(runOf(0))).toBe('not owner')
  })

  test('notes the initial stock and the offset beside each offset', async () => {
    const writes: OwnerWrite[] = []
    const { decide } = setup(async (write) => void writes.push(write))

    await decide(runOf(0))

    expect(JSON.parse(writes[0]?.offsets[0]?.note ?? '')).toEqual({
      initial_stock: { burger: 10, pizza: 10, salad: 10 },
      read_to: 1,
    })
  })
})
