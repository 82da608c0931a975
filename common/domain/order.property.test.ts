import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canBecome, isTerminal, OrderStatus } from './order.ts'

const statuses = OrderStatus.options

/** Every step there is, written down. */
const STEPS = new Set([
  ...['placed → timeout', 'placed → reserved', 'placed → failed', 'placed → notified'],
  ...['timeout → reserved', 'timeout → failed', 'reserved → notified'],
])

const moves = fc.array(fc.constantFrom(...statuses), { maxLength: 12 })

/** The statuses an order has been in, when these messages reach it one after the other. */
function live(messages: readonly OrderStatus[], from: OrderStatus = 'placed'): OrderStatus[] {
  const path = [from]
  for (const to of messages) if (canBecome(path.at(-1) as OrderStatus, to)) path.push(to)
  return path
}

describe('the status of an order', () => {
  test('takes the steps that are written down, and no other', () => {
    const taken = statuses.flatMap((from) =>
      statuses.filter((to) => canBecome(from, to)).map((to) => `${from} → ${to}`),
    )

    expect(new Set(taken)).toEqual(STEPS)
  })

  test('never comes back, whatever messages arrive and however often', () => {
    fc.assert(
      fc.property(fc.constantFrom(...statuses), moves, (from, messages) => {
        const path = live(messages, from)

        expect(new Set(path).size).toBe(path.length)
      }),
    )
  })

  test('is decided once: what follows a terminal status is the notification of a reserved order', () => {
    fc.assert(
      fc.property(moves, (messages) => {
        const path = live(messages)
        const decided = path.findIndex(isTerminal)

        expect(decided === -1 ? [] : path.slice(decided + 1)).toEqual(
          path[decided] === 'reserved' && path.includes('notified') ? ['notified'] : [],
        )
      }),
    )
  })

  test('ends the same, in whatever order and however often the messages of one order arrive', () => {
    const toldReserved = fc.shuffledSubarray(['reserved', 'reserved', 'notified', 'notified'] as const, {
      minLength: 4,
    })
    const toldFailed = fc.array(fc.constantFrom('failed' as const), { minLength: 1, maxLength: 3 })
    const ends = (messages: fc.Arbitrary<OrderStatus[]>, as: OrderStatus) =>
      fc.assert(
        fc.property(messages, (told) => {
          expect(live(told).at(-1)).toBe(as)
        }),
      )

    ends(toldReserved, 'notified')
    ends(toldFailed, 'failed')
  })
})
