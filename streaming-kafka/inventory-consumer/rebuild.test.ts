import { createLog } from '@lab/kit/log.ts'
import { describe, expect, test } from 'vitest'
import { ORDER_EVENTS } from '../broker/topics.ts'
import { ownerNote, parseNote, rebuildStock } from './rebuild.ts'
import { newStockState } from './stock-state.ts'
import { MemoryLog } from './testing/memory-log.ts'

describe('the note beside the offsets', () => {
  test('gives the initial stock and its offset back', () => {
    const initial = { burger: 1, pizza: 2, salad: 3 }
    const state = newStockState(initial)
    state.stock.pizza = 0

    expect(parseNote(ownerNote(state, 7))).toEqual({ initial_stock: initial, read_to: 7 })
  })

  test.each(['', 'nonsense', '{}', '{"initial_stock":{"burger":-1,"pizza":0,"salad":0}}'])(
    'is none when it says %j',
    (metadata) => {
      expect(parseNote(metadata)).toBeUndefined()
    },
  )
})

test('an order that comes to an offset somebody else has committed before is not decided', async () => {
  const log = new MemoryLog()
  log.commitAs(0, 5)

  const settings = {
    brokers: [],
    prefix: '',
    clientId: 'test',
    sessionTimeoutMs: 6_000,
    log: createLog('test', 'silent'),
  }
  const configured = { burger: 1, pizza: 2, salad: 3 }
  const state = await rebuildStock(settings, { admin: log.admin, configured, readLog: log.read })

  expect(state.readTo.get(ORDER_EVENTS, 0)).toBe(0)
})
