const FIRST_MS = 300
const MOST_MS = 15_000

/** Doubles with each failure; the half of it is left to chance, so that a thousand windows do not come back at once. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const most = Math.min(MOST_MS, FIRST_MS * 2 ** failures)
  return most / 2 + (most / 2) * random()
}
