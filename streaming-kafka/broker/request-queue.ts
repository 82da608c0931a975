import { createRequire } from 'node:module'
import { type RequestQueue, whenPending } from '@lab/kit/request-queue.ts'

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
  prototype: RequestQueue
}

/** What kafkajs 2.2.4 does by itself; kept so that a test can show it. */
export const unguardedSchedule = prototype.scheduleCheckPendingRequests

/** Stops the timer that kafkajs re-arms for ever on every connection. */
export function guardRequestQueue(): void {
  prototype.scheduleCheckPendingRequests = whenPending(unguardedSchedule)
}
