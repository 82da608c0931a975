import type { Figure } from './figures.ts'

/** Fewer repetitions do not show how far a figure moves by itself. */
const LEAST_RUNS = 3

/** In the order of what they tell. */
export const JUDGEMENTS = {
  exceeds: 'exceeds the run-to-run range',
  within: 'within the run-to-run range',
  few: `cannot tell: fewer than ${LEAST_RUNS} repetitions`,
  once: 'cannot tell: measured once in each run',
  equal: 'equal',
} as const
export type Judgement = keyof typeof JUDGEMENTS

/**
 * Whether two figures differ by more than each of them moves by itself: the ranges of their repetitions do not touch.
 * One measurement in each run cannot tell a change from the noise of the machine.
 */
export function judge(a: Figure, b: Figure): Judgement {
  if (!a.range || !b.range) return a.value === b.value ? 'equal' : 'once'
  const known = [a.range.runs, b.range.runs].filter((runs) => runs !== undefined)
  if (known.some((runs) => runs < LEAST_RUNS)) return 'few'
  return a.range.max < b.range.min || b.range.max < a.range.min ? 'exceeds' : 'within'
}
