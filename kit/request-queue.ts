/** What is used of kafkajs' queue of requests, one for each connection. */
export interface RequestQueue {
  pending: unknown[]
  scheduleCheckPendingRequests: () => void
}

/**
 * The schedule of kafkajs 2.2.4 without its endless timer (kafkajs#1751, #1556). With nothing pending, its delay is
 * `-1 - Date.now()`: Node turns that into 1 ms (and warns: TimeoutNegativeWarning), the timer finds nothing to do and arms
 * itself again, about 900 wake-ups a second and 3 % of a core for each idle connection. A queue with nothing pending needs no
 * timer: `push` arms one when a request has to wait.
 */
export const whenPending = (schedule: () => void) =>
  function guarded(this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this)
  }
