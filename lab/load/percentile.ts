import { formatNumber } from '../report/number.ts'

/**
 * Percentiles of raw samples, by nearest rank: the answer is always a sample that was measured.
 *
 * Percentile `p` is answered only when at least ten samples lie above it, n >= 10 / (1 - p). Below that it is the
 * maximum, or close to it, under another name: `nearestRank` says which one.
 */
export function percentile(sorted: readonly number[], p: number): number | undefined {
  return isSupported(sorted.length, p) ? nearestRank(sorted, p) : undefined
}

/** The sample at the percentile, however few there are: of 20 samples p99 is the highest. Undefined without any. */
export const nearestRank = (sorted: readonly number[], p: number): number | undefined =>
  sorted[rankOf(sorted.length, p) - 1]

/** Which of `count` samples in ascending order stands for percentile `p`, from 1. */
export const rankOf = (count: number, p: number): number => Math.max(1, Math.ceil(count * p - ROUNDING))

/** What a sample is that few others support: `highest of 20`, `2nd highest of 20`. */
export function describeRank(count: number, p: number): string {
  const fromTop = count - rankOf(count, p) + 1
  return `${fromTop === 1 ? '' : `${ordinal(fromTop)} `}highest of ${formatNumber(count)}`
}

const SUFFIXES: Partial<Record<Intl.LDMLPluralRule, string>> = { one: 'st', two: 'nd', few: 'rd' }
const RULES = new Intl.PluralRules('en', { type: 'ordinal' })
const ordinal = (rank: number): string => `${formatNumber(rank)}${SUFFIXES[RULES.select(rank)] ?? 'th'}`

/** `1 - p` is not exact in binary: without this, 100 samples would not do for p90. */
const ROUNDING = 1e-9

/** Whether `count` samples say anything about percentile `p`: ten of them must lie above it, n >= 10 / (1 - p). */
export const isSupported = (count: number, p: number): boolean =>
  count > 0 && count * (1 - p) >= 10 - ROUNDING
