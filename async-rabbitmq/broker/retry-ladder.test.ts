import { expect, test } from 'vitest'
import { retryLadder } from './retry-ladder.ts'

test('a ladder names its steps after their delay, so that another delay is another queue', () => {
  expect(retryLadder([1_000, 30_000, 250])).toEqual([
    { delayMs: 1_000, exchange: 'retry_1s', queue: 'retry_queue_1s' },
    { delayMs: 30_000, exchange: 'retry_30s', queue: 'retry_queue_30s' },
    { delayMs: 250, exchange: 'retry_250ms', queue: 'retry_queue_250ms' },
  ])
})
