import { createRequire } from 'node:module'

interface RequestQueue {
  pending: unknown[]
  scheduleCheckPendingRequests: () => void
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
  prototype: RequestQueue
}

/** What kafkajs 2.2.4 does by itself; kept so that a test can show it. */
export const unguardedSchedule = prototype.scheduleCheckPendingRequests

/**
 * Stops a timer that kafkajs re-arms for ever on every connection (kafkajs#1751, #1556).
 *
 * With nothing pending, its delay is `-1 - Date.now()`. Node turns that into 1 ms (and warns: TimeoutNegativeWarning),
 * the timer finds nothing to do and arms itself again: about 900 wake-ups a second and 3 % of a core for each idle
 * connection. A queue with nothing pending needs no timer: `push` arms one when a request has to wait.
 */
export function guardRequestQueue(): void {
  prototype.scheduleCheckPendingRequests = function guarded(this: RequestQueue) {
    if (this.pending.length > 0) unguardedSchedule.call(this)
  }
}
