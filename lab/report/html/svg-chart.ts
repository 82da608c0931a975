import type { Chart, MeasuredPoint } from '../chart.ts'
import { describeChart } from './chart-words.ts'
import { html, type Markup } from './markup.ts'
import { drawAxes, gutterOf } from './svg-axes.ts'
import { type Curve, drawCurve } from './svg-curve.ts'
import { type Frame, LINE, PLOT_HEIGHT, WIDTHS } from './svg-frame.ts'
import { drawLabels } from './svg-label.ts'
import { drawMarks, placeMarks, rowsOf } from './svg-mark.ts'
import { isDrawable, type Scale, scaleFor, shownLines } from './svg-scale.ts'
import { thin } from './svg-thin.ts'

export interface ChartOptions {
  /** Unique in the page. */
  id: string
  /** Points of a series that are drawn at most. */
  maxPoints: number
  /** How much of the page it has: half of it by default. */
  size?: keyof typeof WIDTHS
}

/** The chart as one picture without any script or style of its own; undefined when it has no point to draw. */
export function drawChart(chart: Chart, { id, maxPoints, size = 'half' }: ChartOptions): Markup | undefined {
  const width = WIDTHS[size]
  const shown = chart.series.map((series) => shownLines(chart, series))
  const all = shown.flat().flatMap(({ points, until }) => {
    const end = points.at(-1)!
    return until === undefined ? points : [...points, [until, end[1]] as const]
  })
  if (all.length === 0) return undefined

  const moments = (chart.marks ?? []).filter(({ x }) => isDrawable(chart.x, x))
  const xs = [...all.map(([x]) => x), ...moments.map(({ x }) => x)]
  const y = scaleFor(
    chart.y,
    all.map(([, value]) => value),
    { room: 5, extend: true },
  )
  const x = scaleFor(chart.x, xs, { room: width / 60 })
  const sides = { left: Math.ceil(gutterOf(y)), right: width - 8 }
  const marks = placeMarks(moments, x.to, sides)
  const titleAt = 11
  const top = titleAt + 8 + rowsOf(marks) * LINE
  const frame = { ...sides, top, bottom: top + PLOT_HEIGHT, width }

  const curves = shown.map((lines, at): Curve => {
    const count = lines.reduce((sum, { points }) => sum + points.length, 0)
    const drawn = lines.map(({ points, until }) => {
      const most = Math.max(4, Math.floor((maxPoints * points.length) / count))
      const positions = thin(points, most).map((point) => placed(point, { x, y, frame }))
      return { positions, ...(until !== undefined && { until: placed([until, 0], { x, y, frame })[0] }) }
    })
    return { series: chart.series[at]!, at, lines: drawn }
  })
  const axes = { x: { axis: chart.x, scale: x }, y: { axis: chart.y, scale: y }, frame, titleAt }
  return html`<svg class="chart ${size}" viewBox="0 0 ${width} ${frame.bottom + 36}" role="img" aria-labelledby="${id}-t ${id}-d">
<title id="${id}-t">${chart.title}</title><desc id="${id}-d">${describeChart(chart)}</desc>
${drawAxes(axes)}${drawMarks(marks, frame)}${curves.map(drawCurve)}${drawLabels(curves, frame)}</svg>`
}

function placed([atX, atY]: MeasuredPoint, { x, y, frame }: { x: Scale; y: Scale; frame: Frame }) {
  const { left, right, top, bottom } = frame
  return [left + x.to(atX) * (right - left), bottom - y.to(atY) * (bottom - top)] as const
}
