import { LabError } from './errors.ts'

/**
 * Whether `work` settled within `ms`, and before `signal` aborted. What it settled with stays with `work`; nothing is thrown here.
 * Nothing stays with the signal either: one that lives as long as the process may be given for every message.
 */
export async function settlesWithin(
  work: Promise<unknown>,
  ms: number,
  signal?: AbortSignal,
): Promise<boolean> {
  if (signal?.aborted) return false
  const late = Promise.withResolvers<boolean>()
  const giveUp = () => late.resolve(false)
  const timer = setTimeout(giveUp, ms)
  signal?.addEventListener('abort', giveUp)
  const settled = work.then(
    () => true,
    () => true,
  )
  const isSettled = await Promise.race([settled, late.promise])
  clearTimeout(timer)
  signal?.removeEventListener('abort', giveUp)
  return isSettled
}

/**
 * The result of `work`, or `LAB_DEPENDENCY_UNAVAILABLE` after `ms`. Late work goes on unwatched: what it did by then is
 * unknown.
 */
export async function bounded<Result>(work: Promise<Result>, ms: number, what: string): Promise<Result> {
  if (await settlesWithin(work, ms)) return work
  throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `${what} took longer than ${ms} ms`, { retryable: true })
}
