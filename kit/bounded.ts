import { LabError } from './errors.ts'

/** Whether `work` settled within `ms`. What it settled with stays with `work`; nothing is thrown here. */
export async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), ms)
  const settled = work.then(
    () => true,
    () => true,
  )
  const isSettled = await Promise.race([settled, late.promise])
  clearTimeout(timer)
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
