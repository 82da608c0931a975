import { LabError } from '@lab/kit/errors.ts'

export interface Limit {
  /** Counts one request of this one; throws when it is one too many. */
  take: (who: string) => void
}

/** Beyond so many who call at the same time the one that has longest been quiet is forgotten. */
const REMEMBERED = 50_000
/** Of a minute's requests, those that may come at once. */
const BURST = 1 / 6

/**
 * A minute's requests in an even flow, with a burst, for each who calls. It counts in this process: with several gateways
 * each lets as many pass. Nothing is written anywhere, as a flood would be.
 */
export function createLimit(perMinute: number, what: string, now = () => performance.now()): Limit {
  const everyMs = 60_000 / perMinute
  const burstMs = Math.max(perMinute * BURST, 1) * everyMs
  /** When each would have used up what it had, in the order of their last request. */
  const usedUntil = new Map<string, number>()
  return {
    take: (who) => {
      const at = now()
      const used = Math.max(usedUntil.get(who) ?? 0, at) + everyMs
      const waitMs = used - at - burstMs
      if (waitMs > everyMs / 1_000) {
        const retryAfterSeconds = Math.ceil(waitMs / 1_000)
        throw new LabError('LAB_TOO_MANY_REQUESTS', `${what}: at most ${perMinute} requests a minute`, {
          retryable: true,
          retryAfterSeconds,
        })
      }
      usedUntil.delete(who)
      usedUntil.set(who, used)
      if (usedUntil.size > REMEMBERED) usedUntil.delete(usedUntil.keys().next().value!)
    },
  }
}
