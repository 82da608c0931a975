import { setTimeout as sleep } from 'node:timers/promises'

export interface WaitOptions {
  timeoutMs?: number
  everyMs?: number
  signal?: AbortSignal
}

/**
 * Waits until `probe` answers something other than undefined or false, and gives it back. Bounded: past the time-out it
 * throws an error that says what was awaited and what the last try saw.
 */
export async function waitFor<Result>(
  what: string,
  probe: () => Result | undefined | false | Promise<Result | undefined | false>,
  { timeoutMs = 15_000, everyMs = 50, signal }: WaitOptions = {},
): Promise<Result> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const result = await probe()
      if (result !== undefined && result !== false) return result
      last = result
    } catch (err) {
      last = err
    }
    signal?.throwIfAborted()
    if (performance.now() > deadline) {
      const seen = last instanceof Error ? `; last error: ${last.message}` : ''
      throw new Error(`gave up after ${timeoutMs} ms waiting for ${what}${seen}`, { cause: last })
    }
    await sleep(everyMs, undefined, signal ? { signal } : {})
  }
}
