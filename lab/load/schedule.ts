/** When orders are sent, whatever becomes of them. */
export interface Rate {
  perSecond: number
  seconds: number
  /** `even` (default): equal gaps. `poisson`: independent arrivals with this mean, as from people who do not know each other. */
  arrivals?: 'even' | 'poisson'
}

/** Above this one process cannot keep a schedule, so such a rate is a slip of the finger. */
const MAX_PER_SECOND = 100_000

/** Throws a `RangeError` that names the field and the value. */
export function checkRate({ perSecond, seconds }: Rate): void {
  if (!(perSecond > 0 && perSecond <= MAX_PER_SECOND))
    throw new RangeError(
      `rate.perSecond: ${perSecond} is not above 0 and up to ${MAX_PER_SECOND} orders a second`,
    )
  if (!(seconds > 0 && seconds < Infinity))
    throw new RangeError(`rate.seconds: ${seconds} is no duration above 0`)
}

/**
 * The intended send times, in whole microseconds from the start, in ascending order. They depend on the rate and the seed
 * alone: nothing that happens while they are kept can move them.
 */
export function* schedule({ perSecond, seconds, arrivals = 'even' }: Rate, seed = 1): Generator<number> {
  const random = createRandom(seed)
  const step = arrivals === 'even' ? () => 1 : () => -Math.log(1 - random())
  const orders = perSecond * seconds - ROUNDING
  for (let at = arrivals === 'even' ? 0 : step(); at < orders; at += step())
    yield Math.round((at / perSecond) * 1e6)
}

/** 200 a second for 30 s are 6,000 orders, also where the product of the two is not exact in binary. */
const ROUNDING = 1e-6

/** At most so many orders the rates send together; Poisson arrivals scatter. */
export const mostOrders = (rates: Rate[]): number =>
  rates
    .map(({ perSecond, seconds }) => perSecond * seconds)
    .reduce((sum, mean) => sum + Math.ceil(mean + 6 * Math.sqrt(mean) + 10), 0)

/**
 * A seeded source of numbers in [0, 1): the same seed gives the same sequence on every machine. sfc32 of Chris
 * Doty-Humphrey's PractRand (public domain), 128 bits of state in three numbers and a counter. Not for secrets.
 */
export function createRandom(seed: number): () => number {
  let a = 0
  let b = 0x9e3779b9 | 0
  let c = seed | 0
  let counter = 1
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    c |= 0
    return (t >>> 0) / 2 ** 32
  }
  // Twelve rounds, as its author seeds it: by then the seed has reached all of the state.
  for (let round = 0; round < 12; round++) next()
  return next
}
