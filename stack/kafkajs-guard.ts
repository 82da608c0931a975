import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { guardDecoding } from '@lab/kit/kafkajs-decoding.ts'
import { type RequestQueue, whenPending } from '@lab/kit/request-queue.ts'

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
prototype.scheduleCheckPendingRequests = whenPending(prototype.scheduleCheckPendingRequests)
guardDecoding(require)

interface ListOffsets {
  isolationLevel?: number
}

const { prototype: broker } = require('kafkajs/src/broker') as {
  prototype: { listOffsets: (request: ListOffsets) => Promise<unknown> }
}
const listOffsets = broker.listOffsets
const READ_UNCOMMITTED = 0
const isUncommitted = new AsyncLocalStorage<true>()

broker.listOffsets = function listOffsetsAs(request) {
  const asked = isUncommitted.getStore() ? { ...request, isolationLevel: READ_UNCOMMITTED } : request
  return listOffsets.call(this, asked)
}

/**
 * What `work` asks about offsets counts all records, as Kafka's own tools do. By itself kafkajs stops before the oldest open
 * transaction: nothing behind it can be read yet, and that is what waits.
 */
export const countingAll = <Result>(work: () => Promise<Result>): Promise<Result> =>
  isUncommitted.run(true, work)
