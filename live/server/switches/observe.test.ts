import { describe, expect, test } from 'vitest'
import type { Phase } from '../../wire/switches.ts'
import { answerOf } from './observe.ts'

const phase = (figures: Partial<Phase> = {}): Phase => ({
  seconds: 8,
  sent: 40,
  accepted: 40,
  refused: 0,
  answer_ms: 5,
  waiting: 1,
  ...figures,
})

describe('the answer to what happened', () => {
  test.each([
    ['same', 'all orders are accepted and none waits', phase()],
    ['same', 'one order in twenty is refused', phase({ accepted: 38, refused: 2 })],
    ['waits', 'orders are accepted and wait', phase({ waiting: 40 })],
    ['waits', 'no order has an answer yet', phase({ accepted: 0, waiting: 40 })],
    ['refused', 'orders are refused', phase({ accepted: 0, refused: 40 })],
    ['refused', 'orders wait first and are refused then', phase({ accepted: 0, refused: 40, waiting: 25 })],
    [null, 'no order was answered, and none waits', phase({ sent: 0, accepted: 0 })],
  ] as const)('is %s when %s', (answer, _when, during) => {
    expect(answerOf({ before: phase(), during })).toBe(answer)
  })
})
