import { LabError } from '@lab/common/kit/errors.ts'

const LATE = Symbol('late')

/** Whether `work` settled within `ms`. What it settled with stays with `work`; nothing is thrown here. */
export async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms, LATE)
  })
  const first = await Promise.race([
    work.then(
      () => true,
      () => true,
    ),
    late,
  ])
  clearTimeout(timer)
  return first !== LATE
}

/**
 * The result of `work`, or `LAB_DEPENDENCY_UNAVAILABLE` after `ms`. Late work goes on unwatched: what it did by then is
 * unknown.
 */
export async function bounded<Result>(work: Promise<Result>, ms: number, what: string): Promise<Result> {
  if (await settlesWithin(work, ms)) return work
  throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `${what} took longer than ${ms} ms`, { retryable: true })
}
