import type { Trend } from '../../wire/figures.ts'

/** Seconds over which a change is a trend. */
const OVER_SECONDS = 10
/** A change smaller than this is none. */
const STEADY_PER_SECOND = 0.2

export interface Point {
  /** Milliseconds since the epoch. */
  at: number
  value: number | null
}

/** From the points of the last ten seconds, oldest first: the slope of the line that fits them best. */
export function trendOf(points: readonly Point[]): Trend {
  const last = points.at(-1)
  const known = points.filter(
    (point): point is { at: number; value: number } =>
      point.value !== null && point.at > (last?.at ?? 0) - OVER_SECONDS * 1_000,
  )
  if (last?.value == null || known.length < 3) return { way: 'unknown', perSecond: 0, emptyInSeconds: null }
  const meanAt = known.reduce((sum, { at }) => sum + at, 0) / known.length
  const meanValue = known.reduce((sum, { value }) => sum + value, 0) / known.length
  const over = known.reduce((sum, { at, value }) => sum + (at - meanAt) * (value - meanValue), 0)
  const under = known.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0)
  const perSecond = under === 0 ? 0 : (over / under) * 1_000
  if (Math.abs(perSecond) < STEADY_PER_SECOND)
    return { way: 'steady', perSecond: 0, emptyInSeconds: last.value === 0 ? 0 : null }
  if (perSecond > 0) return { way: 'growing', perSecond, emptyInSeconds: null }
  return { way: 'draining', perSecond, emptyInSeconds: last.value / -perSecond }
}
