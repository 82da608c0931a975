import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'

interface ListOffsets {
  isolationLevel?: number
}

const Broker = createRequire(import.meta.url)('kafkajs/src/broker') as {
  prototype: { listOffsets: (request: ListOffsets) => Promise<unknown> }
}
const { listOffsets } = Broker.prototype
const READ_UNCOMMITTED = 0

const isUncommitted = new AsyncLocalStorage<true>()

Broker.prototype.listOffsets = function listOffsetsAs(request) {
  return listOffsets.call(
    this,
    isUncommitted.getStore() ? { ...request, isolationLevel: READ_UNCOMMITTED } : request,
  )
}

/**
 * What `work` asks about offsets counts all records, as Kafka's own tools do. By itself kafkajs, which offers no choice, stops
 * before the oldest open transaction: nothing behind it can be read yet, and that is what waits.
 */
export const countingAll = <Result>(work: () => Promise<Result>): Promise<Result> =>
  isUncommitted.run(true, work)
