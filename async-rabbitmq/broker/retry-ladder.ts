/** One step of the back-off: messages published to `exchange` come back to their work queue after `delayMs`. */
export interface RetryStep {
  delayMs: number
  exchange: string
  queue: string
}

export const DEFAULT_LADDER_MS = [1_000, 5_000, 30_000]

export interface RetryLadder {
  steps: readonly RetryStep[]
  /** How often a message comes back in all: once for each step, and then by the last one again and again. */
  retries: number
}

/**
 * The back-off ladder, one exchange and one queue a step. The delay is part of the name, because a queue's TTL is fixed
 * once it is declared: another ladder gets other queues, never a 406 from the old ones.
 *
 * Its last step repeats until a message has waited `retryForMs` in all. The waits are added up, not looked up at a clock:
 * time in which nobody consumes is no failed attempt.
 */
export function retryLadder(delaysMs: readonly number[], retryForMs: number): RetryLadder {
  const steps = delaysMs.map((delayMs) => {
    const label = delayMs % 1_000 === 0 ? `${delayMs / 1_000}s` : `${delayMs}ms`
    return { delayMs, exchange: `retry_${label}`, queue: `retry_queue_${label}` }
  })
  const once = delaysMs.reduce((sum, delay) => sum + delay, 0)
  const repeats = Math.ceil(Math.max(0, retryForMs - once) / (delaysMs.at(-1) ?? 1))
  return { steps, retries: steps.length + repeats }
}

/** Where a message waits after its attempt of this number has failed; undefined when it was the last. */
export const stepAfter = (attempts: number, { steps, retries }: RetryLadder): RetryStep | undefined =>
  attempts <= retries ? steps[Math.min(attempts, steps.length) - 1] : undefined
