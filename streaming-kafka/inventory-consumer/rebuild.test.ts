import { describe, expect, test } from 'vitest'
import { parseNote, stockNote } from './rebuild.ts'
import { newStockState } from './stock-state.ts'

describe('the note beside the offsets', () => {
  test('gives the initial stock back', () => {
    const initial = { burger: 1, pizza: 2, salad: 3 }
    const state = newStockState(initial)
    state.stock.pizza = 0

    expect(parseNote(stockNote(state))).toEqual(initial)
  })

  test.each(['', 'nonsense', '{}', '{"initial_stock":{"burger":-1,"pizza":0,"salad":0}}'])(
    'is none when it says %j',
    (metadata) => {
      expect(parseNote(metadata)).toBeUndefined()
    },
  )
})
