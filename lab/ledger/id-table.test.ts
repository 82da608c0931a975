import { derivedId, newOrderId } from '@lab/common/ids.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IdTable } from './id-table.ts'

const someId = fc.oneof(
  fc.uuid(),
  fc.nat(30).map((n) => derivedId('id', String(n))),
  fc.nat(30).map(String),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.string({ minLength: 36, maxLength: 36 }),
)

describe('id table', () => {
  test('numbers ids as a map does, and names them again, whatever they look like', () => {
    fc.assert(
      fc.property(fc.array(someId), (ids) => {
        const table = new IdTable()
        const map = new Map<string, number>()
        for (const id of ids) {
          expect(table.find(id)).toBe(map.get(id))
          if (!map.has(id)) map.set(id, map.size)
          expect(table.rowOf(id)).toBe(map.get(id))
        }
        expect(table.size).toBe(map.size)
        for (const [id, row] of map) expect(table.idOf(row)).toBe(id)
      }),
    )
  })

  test('keeps apart many ids that begin alike, through every growth', () => {
    const table = new IdTable()
    const ids = Array.from({ length: 20_000 }, newOrderId)
    for (const [n, id] of ids.entries()) expect(table.rowOf(id)).toBe(n)

    expect(ids.every((id, n) => table.find(id) === n && table.idOf(n) === id)).toBe(true)
  })

  test('has rows without an id too', () => {
    const table = new IdTable()
    table.add()

    expect(table.rowOf('x')).toBe(1)
    expect(table.idOf(0)).toBeUndefined()
  })
})
