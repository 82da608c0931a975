import { LabError } from '@lab/kit/errors.ts'

/**
 * Bounds and counts the calls of a function that are running. Beyond `max` a call is refused at once: while inventory
 * hangs, every waiting order costs memory for as long as its time-out.
 *
 * `drain` resolves when no call is running any more. A client that hangs up ends its connection, not its order, so a
 * stop has to wait for the order as well.
 */
export function bounded<Args extends unknown[], Result>(
  run: (...args: Args) => Promise<Result>,
  { max }: { max: number },
) {
  let running = 0
  let isDraining = false
  const idle = Promise.withResolvers<void>()
  const check = () => {
    if (isDraining && running === 0) idle.resolve()
  }
  return {
    run: async (...args: Args): Promise<Result> => {
      if (running >= max) {
        throw new LabError('LAB_OVERLOADED', `${max} orders are in flight already`, { retryable: true })
      }
      running++
      try {
        return await run(...args)
      } finally {
        running--
        check()
      }
    },
    drain: (): Promise<void> => {
      isDraining = true
      check()
      return idle.promise
    },
  }
}
