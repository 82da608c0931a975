import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ITEMS, MAX_QUANTITY } from './order.ts'
import { decide, parseStock, type Stock } from './stock.ts'

const left = fc.nat(1_000)
const quantity = fc.integer({ min: 1, max: MAX_QUANTITY })
/** What is left, and an order of it: every other one of about as much, because there it is decided. */
const leftAndQuantity = left.chain((left) =>
  fc.tuple(fc.constant(left), fc.oneof(quantity, fc.integer({ min: Math.max(1, left - 1), max: left + 1 }))),
)

describe('any decision about stock', () => {
  test('takes all of an order or nothing, and refuses only what is not there', () => {
    fc.assert(
      fc.property(leftAndQuantity, ([left, quantity]) => {
        const decision = decide(left, { quantity })

        expect(decision).toEqual(
          quantity <= left
            ? { status: 'reserved', left: left - quantity }
            : { status: 'failed', reason: 'out_of_stock' },
        )
      }),
    )
  })

  test('conserves: after any orders what is left and what was reserved make up what there was', () => {
    fc.assert(
      fc.property(left, fc.array(quantity, { maxLength: 60 }), (initial, orders) => {
        let left = initial
        let reserved = 0
        for (const quantity of orders) {
          const decision = decide(left, { quantity })
          if (decision.status === 'failed') continue
          left = decision.left
          reserved += quantity
          expect(left).toBeGreaterThanOrEqual(0)
        }

        expect(left + reserved).toBe(initial)
      }),
    )
  })
})

describe('STOCK', () => {
  const stocks: fc.Arbitrary<Stock> = fc.record({ burger: fc.nat(), pizza: fc.nat(), salad: fc.nat() })

  test('reads back whatever stock is written, in any order of the items', () => {
    const orders = fc.shuffledSubarray([...ITEMS], { minLength: ITEMS.length })
    fc.assert(
      fc.property(stocks, orders, (stock, items) => {
        expect(parseStock(items.map((item) => `${item}=${stock[item]}`).join(','))).toEqual(stock)
      }),
    )
  })

  test('is whole numbers of 0 or more, or refused by name, whatever the text', () => {
    const part = fc.oneof(
      fc.string(),
      fc.tuple(fc.constantFrom(...ITEMS, 'sushi'), fc.oneof(fc.string(), fc.integer(), fc.double())),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        const text = parts.map((part) => (Array.isArray(part) ? part.join('=') : part)).join(',')
        const read = attempt(() => parseStock(text))

        if (read instanceof Error) expect(read.message).toMatch(/^'.*': /s)
        else
          for (const item of ITEMS) {
            expect(Number.isSafeInteger(read[item])).toBe(true)
            expect(read[item]).toBeGreaterThanOrEqual(0)
          }
      }),
    )
  })
})

function attempt<Result>(work: () => Result): Result | Error {
  try {
    return work()
  } catch (err) {
    return err as Error
  }
}
