import type { MeasuredPoint } from '../chart.ts'

/**
 * At most `limit` (4 or more) of the points, in their order, the same ones each time: of each of equal stretches the
 * first, the last, the lowest and the highest. A spike that lasted one sample is still there.
 */
export function thin(points: readonly MeasuredPoint[], limit: number): MeasuredPoint[] {
  if (points.length <= limit) return [...points]
  const stretches = Math.max(1, Math.floor(limit / 4))
  return Array.from({ length: stretches }, (_, i) => {
    const from = Math.floor((i * points.length) / stretches)
    const to = Math.floor(((i + 1) * points.length) / stretches)
    return extremesOf(points, from, to).map((at) => points[at]!)
  }).flat()
}

function extremesOf(points: readonly MeasuredPoint[], from: number, to: number): number[] {
  let [low, high] = [from, from]
  for (let at = from; at < to; at++) {
    if (points[at]![1] < points[low]![1]) low = at
    if (points[at]![1] > points[high]![1]) high = at
  }
  return [...new Set([from, low, high, to - 1])].sort((a, b) => a - b)
}
