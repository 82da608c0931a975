import { hash } from 'node:crypto'
import fc from 'fast-check'

/** What one case follows from, whatever ran before it and whatever runs beside it. */
export interface Draw {
  seed: number
  /** The route or the consumer. */
  target: string
  /** The number of the case, from 0. */
  at: number
}

/** The seed of one case: 32 bits that depend on all three. */
const caseSeed = ({ seed, target, at }: Draw): number =>
  hash('sha1', `${seed}\n${target}\n${at}`, 'buffer').readInt32BE()

/** The value that `shrink` starts from: fast-check draws both in the same way. */
export function sampleCase<Value>(values: fc.Arbitrary<Value>, draw: Draw): Value {
  const [value] = fc.sample(values, { seed: caseSeed(draw), numRuns: 1 })
  return value as Value
}

export interface ShrinkOptions {
  maxTries: number
  deadlineMs: number
}

/** The smallest value found that still fails, or undefined when the value of `draw` does not fail any more. */
export async function shrinkCase<Value>(
  values: fc.Arbitrary<Value>,
  draw: Draw,
  { fails, maxTries, deadlineMs }: ShrinkOptions & { fails: (value: Value) => Promise<boolean> },
): Promise<Value | undefined> {
  const until = performance.now() + deadlineMs
  let tries = 0
  let smallest: { value: Value } | undefined
  const holds = async (value: Value) => {
    // Out of tries everything holds, which ends the search.
    if (++tries > maxTries || performance.now() > until) return true
    if (!(await fails(value))) return true
    smallest = { value }
    return false
  }
  await fc.check(fc.asyncProperty(values, holds), { seed: caseSeed(draw), numRuns: 1 })
  return smallest?.value
}
