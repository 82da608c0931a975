/**
 * Percentiles of raw samples, by nearest rank: the answer is always a sample that was measured.
 *
 * Percentile `p` is answered only when at least ten samples lie above it, n >= 10 / (1 - p). Below that it is the
 * maximum, or close to it, under another name: the p99 of 20 samples does not exist.
 */
export function percentile(sorted: readonly number[], p: number): number | undefined {
  if (!isSupported(sorted.length, p)) return undefined
  return sorted[Math.max(0, Math.ceil(sorted.length * p - ROUNDING) - 1)]
}

/** `1 - p` is not exact in binary: without this, 100 samples would not do for p90. */
const ROUNDING = 1e-9

const isSupported = (count: number, p: number): boolean => count * (1 - p) >= 10 - ROUNDING
