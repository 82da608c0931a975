import { type Chart, isMeasured, type MeasuredPoint, type Point, type Series } from '../chart.ts'
import { counted, formatNumber } from '../number.ts'
import { titleOf } from './svg-axes.ts'
import { isDrawable, shownLines, shownPoints } from './svg-scale.ts'

/** What the picture shows, for those who do not see it. */
export function describeChart(chart: Chart): string {
  const marks = (chart.marks ?? []).map(({ x, label }) => `${label} at ${onAxis(chart.x, x)}`)
  return [
    `Curves of ${titleOf(chart.y)}${scaleNote(chart.y.scale)} over ${titleOf(chart.x)}${scaleNote(chart.x.scale)}.`,
    ...chart.series.map((series) => `${describeSeries(chart, series)}.`),
    ...(marks.length > 0 ? [`Marked: ${marks.join('; ')}.`] : []),
  ].join(' ')
}

function describeSeries(chart: Chart, series: Series): string {
  const points = shownPoints(chart, series)
  const [first, last] = [points[0], points.at(-1)]
  const name = `${series.name} (n = ${formatNumber(series.n)})`
  if (!first || !last) return `${name}: no points`
  const y = (value: number) => onAxis(chart.y, value)
  if (points.length === 1) return `${name}: ${y(first[1])} at ${onAxis(chart.x, first[0])}`
  const highest = points.reduce((a, b) => (b[1] > a[1] ? b : a))
  const peak = `highest ${y(highest[1])} at ${onAxis(chart.x, highest[0])}`
  const gaps = shownLines(chart, series).length - 1
  const broken = gaps === 0 ? '' : `, with ${counted(gaps, 'gap')} where nothing was measured`
  return `${name}: from ${y(first[1])} to ${y(last[1])}, ${peak}${broken}`
}

const onAxis = (axis: Chart['x'], value: number): string =>
  axis.unit === '' ? formatOn(axis, value) : `${formatOn(axis, value)} ${axis.unit}`

/** A figure of an axis. Percentiles near 100 % differ in their last digits only, so they keep them. */
export const formatOn = ({ scale }: Chart['x'], value: number): string =>
  scale === 'percentile' ? String(Number(value.toPrecision(8))) : formatNumber(value)

const scaleNote = (scale: Chart['x']['scale']): string =>
  scale === 'linear' ? '' : scale === 'log' ? ' (logarithmic)' : ' (percentiles)'

/** Points that are in the results and not in the picture, and why; nothing is left out silently. */
export function leftOut(chart: Chart): string | undefined {
  const missing = chart.series.flatMap((series) => {
    const shown = new Set<Point>(shownPoints(chart, series))
    return series.points
      .filter(isMeasured)
      .filter((point) => !shown.has(point))
      .map((point) => reasonFor(chart, point))
  })
  if (missing.length === 0) return undefined
  const reasons = [...new Set(missing)].map(
    (reason) => `${counted(missing.filter((one) => one === reason).length, 'point')} ${reason}`,
  )
  return `Not drawn: ${reasons.join('; ')}.`
}

function reasonFor({ x, y }: Chart, [atX, atY]: MeasuredPoint): string {
  const undrawable = [
    { axis: x, value: atX },
    { axis: y, value: atY },
  ].find(({ axis, value }) => !isDrawable(axis, value))
  if (!undrawable) return 'with fewer than ten samples above the percentile'
  const { scale } = undrawable.axis
  if (scale === 'percentile') return 'at 100 % or outside of the percentiles'
  return scale === 'log' && undrawable.value <= 0
    ? 'at or below 0, on a logarithmic axis'
    : 'too large for an axis'
}
