import { endingAfter, parseRate, RateSyntaxError, secondsOf } from './rate.ts'
import { schedule } from './schedule.ts'

/** One intended order. */
export interface Slot {
  n: number
  /** Milliseconds since the start of the run. */
  at: number
  isMeasured: boolean
  /** Which interval of the measured phase it is intended in. */
  interval: number
}

export interface Plan {
  slots: Iterator<Slot>
  warmUpSeconds: number
  measuredSeconds: number
}

/** Puts the warm-up before the measured phase, without a pause between them. Throws `RateSyntaxError`. */
export function planSlots({
  rate,
  warmUp,
  seed,
  intervalMs,
}: {
  rate: string
  warmUp?: string | undefined
  seed: number
  intervalMs: number
}): Plan {
  const plan = parseRate(rate)
  const measuredSeconds = secondsOf(plan)
  if (measuredSeconds === Infinity) throw new RateSyntaxError(rate, "a run needs an end ('for 30s')")
  const before = warmUp === undefined ? undefined : endingAfter(parseRate(warmUp), WARM_UP_SECONDS)
  const warmUpSeconds = before ? secondsOf(before) : 0

  function* slots(): Generator<Slot> {
    let n = 0
    if (before) {
      for (const us of schedule(before, seed))
        yield { n: n++, at: us / 1_000, isMeasured: false, interval: 0 }
    }
    for (const us of schedule(plan, seed + 1)) {
      const at = us / 1_000
      yield {
        n: n++,
        at: warmUpSeconds * 1_000 + at,
        isMeasured: true,
        interval: Math.floor(at / intervalMs),
      }
    }
  }
  return { slots: slots(), warmUpSeconds, measuredSeconds }
}

/** A warm-up without an end of its own. */
const WARM_UP_SECONDS = 2
