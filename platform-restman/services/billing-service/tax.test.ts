import fc from 'fast-check'
import { expect, test } from 'vitest'
import { taxOf } from './tax.ts'

test('tax is a tenth, rounded half up', () => {
  expect([0, 1, 4, 5, 14, 15, 1_250, 1_234, 1_235].map(taxOf)).toEqual([0, 0, 0, 1, 1, 2, 125, 123, 124])
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999 }), (cents) => {
      const error = taxOf(cents) * 10 - cents
      return Number.isInteger(taxOf(cents)) && error > -5 && error <= 5
    }),
  )
})
