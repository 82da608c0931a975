/** The middle and both ends of figures that were taken several times. */
export interface Spread {
  median: number
  min: number
  max: number
}

/** Of at least one figure. */
export function spreadOf(figures: readonly number[]): Spread {
  if (figures.length === 0) throw new Error('a spread needs at least one figure')
  const sorted = figures.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}
