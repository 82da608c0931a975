import { AsyncLocalStorage } from 'node:async_hooks'

// What kafkajs 2.2.4 needs wherever it is imported; `load` is the `require` of a folder that may import it.

interface RequestQueue {
  pending: unknown[]
  scheduleCheckPendingRequests: () => void
}

/**
 * Stops the endless timer of every connection (kafkajs#1751, #1556); answers what the library does by itself, so that a test
 * can show it. With nothing pending, its delay is `-1 - Date.now()`: Node turns that into 1 ms (and warns:
 * TimeoutNegativeWarning), the timer finds nothing to do and arms itself again, about 900 wake-ups a second and 3 % of a core for
 * each idle connection. A queue with nothing pending needs no timer: `push` arms one when a request has to wait.
 */
export function guardRequestQueue(load: NodeJS.Require): () => void {
  const { prototype } = load('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  const unguarded = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function guarded() {
    if (this.pending.length > 0) unguarded.call(this)
  }
  return unguarded
}

interface ListOffsets {
  isolationLevel?: number
}
const READ_UNCOMMITTED = 0

/**
 * Answers a function within which offsets count all records, as Kafka's own tools do. By itself kafkajs, which offers no choice,
 * stops before the oldest open transaction: nothing behind it can be read yet, and that is what waits.
 */
export function countingAllOf(
  load: NodeJS.Require,
): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const { prototype } = load('kafkajs/src/broker') as {
    prototype: { listOffsets: (request: ListOffsets) => Promise<unknown> }
  }
  const { listOffsets } = prototype
  const countsAll = new AsyncLocalStorage<true>()
  prototype.listOffsets = function listOffsetsAs(request) {
    const asked = countsAll.getStore() ? { ...request, isolationLevel: READ_UNCOMMITTED } : request
    return listOffsets.call(this, asked)
  }
  return (work) => countsAll.run(true, work)
}
