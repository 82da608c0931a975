/** One step of the back-off: messages published to `exchange` come back to their work queue after `delayMs`. */
export interface RetryStep {
  delayMs: number
  exchange: string
  queue: string
}

export const DEFAULT_LADDER_MS = [1_000, 5_000, 30_000]

/**
 * The back-off ladder, one exchange and one queue a step. The delay is part of the name, because a queue's TTL is fixed
 * once it is declared: another ladder gets other queues, never a 406 from the old ones.
 */
export function retryLadder(delaysMs: readonly number[]): RetryStep[] {
  return delaysMs.map((delayMs) => {
    const label = delayMs % 1_000 === 0 ? `${delayMs / 1_000}s` : `${delayMs}ms`
    return { delayMs, exchange: `retry_${label}`, queue: `retry_queue_${label}` }
  })
}
