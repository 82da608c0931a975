import { derivedId, newOrderId } from '@lab/common/ids.ts'
import { describe, expect, test } from 'vitest'
import { UuidIndex } from './uuid-index.ts'

describe('UuidIndex', () => {
  test('gives each id the next row, once, through many growths', () => {
    const index = new UuidIndex(2)
    const ids = Array.from({ length: 5_000 }, (_, i) => (i % 2 ? newOrderId() : derivedId(String(i))))

    for (const id of ids) expect(index.add(id)).toBe(true)

    expect(ids.map((id) => index.find(id))).toEqual(ids.map((_, row) => row))
    expect(ids.map((_, row) => index.at(row))).toEqual(ids)
    expect(index.add(ids[17] as string)).toBe(false)
    expect(index.size).toBe(5_000)
  })

  test('gives rows from the first on again once it is cleared', () => {
    const index = new UuidIndex(2)
    const before = Array.from({ length: 100 }, newOrderId)
    for (const id of before) index.add(id)

    index.clear()

    expect(index.size).toBe(0)
    expect(before.some((id) => index.has(id))).toBe(false)
    const after = Array.from({ length: 300 }, newOrderId)
    expect(after.map((id) => index.place(id))).toEqual(after.map((_, row) => row))
  })

  test('reads upper case as the same id', () => {
    const index = new UuidIndex()
    const id = newOrderId()
    index.add(id)

    expect(index.has(id.toUpperCase())).toBe(true)
  })

  test.each(['', 'nope', 'zzzzzzzz-0000-0000-0000-000000000000', `${newOrderId()}0`, 'é'.repeat(36)])(
    'does not find %j',
    (text) => {
      const index = new UuidIndex()
      index.add(newOrderId())

      expect(index.find(text)).toBe(-1)
      expect(() => index.add(text)).toThrow(RangeError)
    },
  )
})
