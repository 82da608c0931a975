import { describe, expect, test } from 'vitest'
import { LampState, orderReading, stockReading } from './lamps.ts'

const balanced = { acknowledged: 10, undecided: 3, waiting: 3, dead: 0 }
const lost = { ...balanced, waiting: 1 }
const names = () => ['order-1', 'order-2']

/** What a lamp says when it sees these one second apart, from `at` on. */
function see(lamp: LampState, readings: Parameters<LampState['see']>[0][], at = 0) {
  return readings.map((reading, second) => lamp.see(reading, at + second * 1_000))
}

describe('the lamp of the orders', () => {
  test('holds when each acknowledged order is decided or waits somewhere, once the numbers stand', () => {
    const reading = orderReading(balanced, names)

    expect(see(new LampState('orders'), [reading, reading]).map(({ state }) => state)).toEqual([
      'moving',
      'holds',
    ])
  })

  test('turns red when one is nowhere, after it has stood for as long as a sample may be old; and names it', () => {
    const reading = orderReading(lost, names)

    const seen = see(
      new LampState('orders'),
      Array.from({ length: 10 }, () => reading),
    )

    expect(seen.map(({ state }) => state)).toEqual([
      ...Array.from({ length: 8 }, () => 'moving'),
      'broken',
      'broken',
    ])
    expect(seen.at(-1)).toMatchObject({
      orders: ['order-1', 'order-2'],
      text: expect.stringContaining('2 are nowhere'),
    })
  })

  test('does not miss a dead letter: it waits for somebody', () => {
    expect(orderReading({ ...lost, dead: 2 }, names).holds).toBe(true)
  })

  test('says nothing while the numbers move', () => {
    const readings = Array.from({ length: 20 }, (_, at) =>
      orderReading({ ...lost, acknowledged: 10 + at }, names),
    )

    expect(new Set(see(new LampState('orders'), readings).map(({ state }) => state))).toEqual(
      new Set(['moving']),
    )
  })

  test('says why it cannot say, and when it last held', () => {
    const lamp = new LampState('orders')
    const reading = orderReading(balanced, names)
    see(lamp, [reading, reading], 5_000)

    expect(lamp.see('order-service does not answer', 9_000)).toEqual({
      name: 'orders',
      state: 'unknown',
      text: 'order-service does not answer',
      heldAt: 6_000,
      orders: [],
    })
  })
})

describe('the equation of the stock', () => {
  const initial = { burger: 100, pizza: 100, salad: 100 }

  test('holds when what is left and what was reserved make up what there was', () => {
    const stock = { burger: 98, pizza: 100, salad: 95 }
    const reserved = { burger: 2, pizza: 0, salad: 5 }

    expect(stockReading({ stock, reserved, initial }, names).holds).toBe(true)
  })

  test('names the item by which it does not, also when another makes up for it', () => {
    const stock = { burger: 98, pizza: 101, salad: 100 }
    const reserved = { burger: 1, pizza: 0, salad: 0 }

    const reading = stockReading({ stock, reserved, initial }, names)

    expect(reading.holds).toBe(false)
    expect(reading.text).toContain('burger 98 + 1 ≠ 100, pizza 101 + 0 ≠ 100')
  })
})
