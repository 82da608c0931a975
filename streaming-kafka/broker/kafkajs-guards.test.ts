import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { originalSchedule } from './kafkajs.ts'

const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue')
const { scheduleCheckPendingRequests } = RequestQueue.prototype
const silent = { debug: () => {}, warn: () => {} }
const openQueue = () =>
  new RequestQueue({
    requestTimeout: 1_000,
    clientId: 'c',
    broker: 'b',
    logger: silent,
    maxInFlightRequests: 1,
  })

describe('request queue of kafkajs', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => {
    vi.useRealTimers()
    RequestQueue.prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests
  })

  test('re-arms a timer for ever with nothing pending, as the library has it', () => {
    RequestQueue.prototype.scheduleCheckPendingRequests = originalSchedule
    const check = vi.spyOn(RequestQueue.prototype, 'checkPendingRequests')
    const queue = openQueue()

    queue.checkPendingRequests()
    vi.advanceTimersByTime(1_000)

    expect(check.mock.calls.length).toBeGreaterThan(500)
    queue.destroy()
    check.mockRestore()
  })

  test('arms no timer with nothing pending when guarded', () => {
    const queue = openQueue()

    queue.checkPendingRequests()

    expect(vi.getTimerCount()).toBe(0)
  })

  test('still sends what had to wait when guarded', () => {
    const queue = openQueue()
    const sent: number[] = []
    const push = (correlationId: number) =>
      queue.push({
        entry: { correlationId, resolve: () => {}, reject: () => {} },
        expectResponse: true,
        sendRequest: () => sent.push(correlationId),
      })
    push(1)
    push(2)
    expect(sent).toEqual([1])

    queue.inflight.clear()
    vi.advanceTimersByTime(50)

    expect(sent).toEqual([1, 2])
  })
})
