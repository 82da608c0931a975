import { createRequire } from 'node:module'
import { describe, expect, test, vi } from 'vitest'
import './kafkajs-guard.ts'

const require = createRequire(import.meta.url)
const RequestQueue = require('kafkajs/src/network/requestQueue')

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

describe('a fetch', () => {
  test('brings headers whatever they are called', async () => {
    const Decoder = require('kafkajs/src/protocol/decoder')
    const Record = require('kafkajs/src/protocol/recordBatch/record/v0')
    const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0')
    const headers = Object.fromEntries(
      Object.getOwnPropertyNames(Object.prototype).map((name) => [name, Buffer.from(`of ${name}`)]),
    )
    const record = Record({ offsetDelta: 0, timestampDelta: 0, key: null, value: Buffer.from('x'), headers })
    const { buffer: batch } = await RecordBatch({ records: [record] })
    const size = Buffer.alloc(4)
    size.writeInt32BE(batch.length)

    const decode = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages')
    const [read] = await decode(new Decoder(Buffer.concat([size, batch])))

    expect(Object.entries(read.headers)).toEqual(Object.entries(headers))
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
