import { describe, expect, test } from 'vitest'
import type { KnownEvent, MessageCase } from './cases.ts'
import { type DeadLetter, reckonDeadLetters, reckonDecisions, type Sent } from './consumers.ts'

const message: MessageCase = { kind: 'test', body: Buffer.from('{}'), key: 'k', properties: {}, headers: {} }
const poison = (at: number): Sent => ({ at, message, event: undefined })
const event = (at: number, order_id: string, quantity = 1): Sent => ({
  at,
  message,
  event: decision(order_id, quantity),
})
const decision = (order_id: string, quantity = 1, id = order_id): KnownEvent => ({
  id,
  type: 'OrderPlaced',
  data: { order_id, item: 'pizza', quantity },
})

describe('dead letters', () => {
  const rulesOf = (sent: Sent[], letters: DeadLetter[]) =>
    reckonDeadLetters(sent, letters).map(({ rule, count }) => `${rule}: ${count}`)

  test('balance when each poison message has one, with a reason', () => {
    expect(rulesOf([poison(0), event(1, 'a')], [{ at: 0, reason: 'not JSON' }])).toEqual([])
  })

  test.each<[string, Sent[], DeadLetter[]]>([
    ['poison without a dead letter: 2', [poison(0), poison(1)], []],
    [
      'poison with two dead letters: 1',
      [poison(0)],
      [
        { at: 0, reason: 'x' },
        { at: 0, reason: 'x' },
      ],
    ],
    ['a dead letter without a reason: 1', [poison(0)], [{ at: 0, reason: '' }]],
    ['an event is dead-lettered: 1', [event(0, 'a')], [{ at: 0, reason: 'x' }]],
  ])('do not balance: %s', (rule, sent, letters) => {
    expect(rulesOf(sent, letters)).toEqual([rule])
  })
})

describe('decisions', () => {
  const rulesOf = (sent: Sent[], announced: KnownEvent[], before: string[] = []) =>
    reckonDecisions(sent, { announced, decidedBefore: new Set(before) }).map(({ rule }) => rule)

  test('balance when each new order has one, whatever came twice', () => {
    expect(
      rulesOf(
        [event(0, 'a', 1), event(1, 'a', 2), event(2, 'known'), poison(3)],
        [decision('a', 2)],
        ['known'],
      ),
    ).toEqual([])
  })

  test.each<[string, Sent[], KnownEvent[]]>([
    ['an order without a decision', [event(0, 'a')], []],
    ['an order decided twice', [event(0, 'a')], [decision('a', 1, 'x'), decision('a', 1, 'y')]],
    ['a decision about something else', [event(0, 'a', 1)], [decision('a', 5)]],
    ['a decision nobody asked for', [poison(0)], [decision('a')]],
  ])('do not balance: %s', (rule, sent, announced) => {
    expect(rulesOf(sent, announced)).toEqual([rule])
  })
})
