import { createRandom } from './random.ts'
import { type RatePlan, type Segment, secondsOf } from './rate.ts'

/**
 * The intended send times of a plan, in whole microseconds from its start, in ascending order. They depend on the plan
 * and the seed alone: nothing that happens while they are kept can move them.
 *
 * Both kinds of arrivals walk along the expected number of orders (the area under the rate): even arrivals in steps of
 * one, Poisson arrivals in exponential steps of mean one, which is exact for changing rates too.
 */
export function* schedule(plan: RatePlan, seed = 1): Generator<number> {
  const random = createRandom(seed)
  const step = plan.arrivals === 'even' ? () => 1 : () => -Math.log(1 - random())
  let expected = plan.arrivals === 'even' ? 0 : step()
  let startsAt = 0
  for (const segment of plan.segments) {
    const area = areaOf(segment)
    while (expected < area - ROUNDING) {
      yield Math.round((startsAt + secondsUntil(segment, expected)) * 1e6)
      expected += step()
    }
    expected = Math.max(0, expected - area)
    startsAt += segment.seconds
  }
}

/** How many orders a plan is expected to send; exact for even arrivals, Infinity for a plan without an end. */
export const expectedOrders = (plan: RatePlan): number =>
  secondsOf(plan) === Infinity ? Infinity : plan.segments.reduce((sum, segment) => sum + areaOf(segment), 0)

/** `200/s for 30s` is 6,000 orders, also where the product of the two is not exact in binary. */
const ROUNDING = 1e-6

const areaOf = ({ fromPerSecond, toPerSecond, seconds }: Segment): number =>
  ((fromPerSecond + toPerSecond) / 2) * seconds

/** When a segment has sent `orders`: the root of a quadratic, in the form that also holds for a constant rate. */
function secondsUntil({ fromPerSecond, toPerSecond, seconds }: Segment, orders: number): number {
  if (orders === 0) return 0
  const slope = seconds === Infinity ? 0 : (toPerSecond - fromPerSecond) / seconds
  return (2 * orders) / (fromPerSecond + Math.sqrt(Math.max(0, fromPerSecond ** 2 + 2 * slope * orders)))
}
