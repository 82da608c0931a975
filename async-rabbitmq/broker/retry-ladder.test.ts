import { expect, test } from 'vitest'
import { DEFAULT_LADDER_MS, retryLadder, stepAfter } from './retry-ladder.ts'

test('a ladder names its steps after their delay, so that another delay is another queue', () => {
  expect(retryLadder([1_000, 30_000, 250], 0).steps).toEqual([
    { delayMs: 1_000, exchange: 'retry_1s', queue: 'retry_queue_1s' },
    { delayMs: 30_000, exchange: 'retry_30s', queue: 'retry_queue_30s' },
    { delayMs: 250, exchange: 'retry_250ms', queue: 'retry_queue_250ms' },
  ])
})

test('its last step repeats until a message has waited long enough, and then it ends', () => {
  const ladder = retryLadder(DEFAULT_LADDER_MS, 900_000)
  const waits: number[] = []
  for (let step = stepAfter(1, ladder); step; step = stepAfter(waits.length + 1, ladder))
    waits.push(step.delayMs)

  expect(waits.slice(0, 5)).toEqual([1_000, 5_000, 30_000, 30_000, 30_000])
  const waited = waits.reduce((sum, wait) => sum + wait)
  expect(waited).toBeGreaterThanOrEqual(900_000)
  expect(waited).toBeLessThan(900_000 + 30_000)
})

test('each step comes once, however short a message is to be retried', () => {
  expect(retryLadder([300, 700], 0).retries).toBe(2)
})
