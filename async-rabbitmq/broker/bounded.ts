/** Longest wait for a close, which against a frozen broker may never come. */
export const CLOSE_TIMEOUT_MS = 2_000

/**
 * Waits for a promise of the broker client, but no longer than `ms`. Answers whether it settled in time; how it settled does
 * not matter here, and a late rejection is swallowed.
 */
export async function settlesWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), ms)
  const settled = promise.then(
    () => true,
    () => true,
  )
  const isSettled = await Promise.race([settled, late.promise])
  clearTimeout(timer)
  return isSettled
}
