import { describe, expect, test } from 'vitest'
import type { Moves } from '../../wire/flow.ts'
import { isDrawn, Tracker } from './tracker.ts'

const ORDER = '01a22623-fb0a-7091-8075-cd6dbb783388'

function setUp() {
  const published: Moves[] = []
  let now = 1_000_000
  const tracker = new Tracker({ publish: (moves) => published.push(moves), now: () => now })
  const note = (
    stop: 0 | 1 | 2 | 3 | 4 | 5 | undefined,
    mark: '' | 'retry' | 'dead' | 'again' = '',
    order = ORDER,
  ) =>
    tracker.note({
      lane: 'async-rabbitmq',
      order,
      at: now,
      what: `${stop}`,
      source: 'test',
      mark,
      ...(stop !== undefined && { stop }),
    })
  const moves = () => {
    tracker.flush()
    return published.splice(0).flatMap((one) => one.moves.map(([, stop, mark]) => [stop, mark]))
  }
  return { tracker, note, moves, pass: (ms: number) => (now += ms) }
}

describe('an order of the flow', () => {
  test('moves forward only, however late an event comes', () => {
    const { note, moves } = setUp()

    for (const stop of [0, 2, 1, 2, 4, 3] as const) note(stop)

    expect(moves()).toEqual([
      [0, ''],
      [2, ''],
      [4, ''],
    ])
  })

  test('goes back for a retry, and on from there', () => {
    const { note, moves } = setUp()
    note(2)
    note(1, 'retry')
    note(2, 'again')

    expect(moves()).toEqual([
      [2, ''],
      [1, 'retry'],
      [2, 'again'],
    ])
  })

  test('has a story of all that was said of it, also of what moved it nowhere', () => {
    const { tracker, note } = setUp()
    note(0)
    note(undefined)
    note(0)

    expect(tracker.story(ORDER)?.hops.map(({ what }) => what)).toEqual(['0', 'undefined', '0'])
  })

  test('is one of 2, 4, 8 when there are hundreds a second, and the same ones at every hop', () => {
    const { tracker, note, pass } = setUp()
    const orders = Array.from(
      { length: 500 },
      (_, at) => `${ORDER.slice(0, -6)}${at.toString(16).padStart(6, '0')}`,
    )
    for (const order of orders) note(0, '', order)
    pass(1_000)
    const later = orders.map((order) => `f${order.slice(1)}`)
    for (const order of later) note(0, '', order)
    for (const order of later) note(2, '', order)

    const every = tracker.every('async-rabbitmq')
    expect(every).toBe(16)
    const followed = later.filter((order) => tracker.follows(order))
    expect(followed).toEqual(later.filter((order) => isDrawn(order, every)))
    for (const order of followed) expect(tracker.story(order)?.hops).toHaveLength(2)
  })

  test('is drawn among fewer when it is drawn among more', () => {
    for (const order of ['a0', 'b8', 'c4', 'd1']) if (isDrawn(order, 8)) expect(isDrawn(order, 4)).toBe(true)
  })

  test('is forgotten when thousands have come since: what is remembered is bounded', () => {
    const { tracker, note, pass } = setUp()
    note(0)
    for (let at = 0; at < 4_100; at++) {
      if (at % 50 === 0) pass(2_000)
      note(0, '', `${ORDER.slice(0, -6)}${(at * 64).toString(16).padStart(6, '0')}`)
    }

    expect(tracker.follows(ORDER)).toBe(false)
  })
})
