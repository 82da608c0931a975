import { createRequire } from 'node:module'
import { describe, expect, test, vi } from 'vitest'
import './kafkajs-guard.ts'

const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue')

describe('kafkajs guard', () => {
  test('arms no timer for a queue without waiting requests', () => {
    vi.useFakeTimers()
    const queue = newQueue()

    queue.checkPendingRequests()

    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  test('sends a throttled request when the throttle is over', () => {
    vi.useFakeTimers()
    const queue = newQueue()
    const sendRequest = vi.fn()
    queue.maybeThrottle(500)

    queue.push({ entry: { correlationId: 1 }, expectResponse: true, sendRequest })
    vi.advanceTimersByTime(499)
    expect(sendRequest).not.toHaveBeenCalled()
    vi.advanceTimersByTime(20)

    expect(sendRequest).toHaveBeenCalledOnce()
    vi.useRealTimers()
  })
})

function newQueue() {
  const logger = { debug() {}, warn() {} }
  return new RequestQueue({
    maxInFlightRequests: 5,
    requestTimeout: 1_000,
    clientId: 'c',
    broker: 'b',
    logger,
  })
}
