import { createRequire } from 'node:module'

/**
 * kafkajs 2.2.4 re-arms a timer for ever on every connection, even an idle one, and with a negative delay: about
 * 900 wake-ups a second and Node's TimeoutNegativeWarning. Only requests that wait need the timer (a throttle, or too
 * many in flight), so an empty queue must not arm it. `push` arms it again with the next request that waits.
 */
interface RequestQueue {
  pending: unknown[]
  scheduleCheckPendingRequests(): void
}

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
const schedule = prototype.scheduleCheckPendingRequests

prototype.scheduleCheckPendingRequests = function scheduleWhenWaiting(this: RequestQueue) {
  if (this.pending.length > 0) schedule.call(this)
}
