import {
  type Axis,
  type Chart,
  isMeasured,
  type MeasuredPoint,
  type Point,
  type Series,
  type Table,
} from '../run/schema.ts'
import { drawChart, isPlaced, linesOf, lookOf, type Size, thin, titleOf } from './draw.ts'
import { html, htmlTable, type Markup } from './markup.ts'
import { counted, formatNumber } from './number.ts'

/** How much detail the page has room for. */
export interface Detail {
  /** Points of a curve. */
  points: number
  /** Rows under a chart. */
  rows: number
  sizes: Size[]
}

/** Charts below each other, each as wide as the page. */
export const figures = (charts: readonly Chart[], id: string, detail: Detail): Markup[] =>
  charts.map((chart, at) => figure(chart, `${id}-${at + 1}`, detail))

/** A chart: its title, what each curve is and rests on, the picture, and the numbers below it. */
function figure(chart: Chart, id: string, { points, rows, sizes }: Detail): Markup {
  const pictures = sizes.flatMap((size) => {
    const picture = drawChart(chart, size, points)
    if (!picture) return []
    const name = `${id}-${size}`
    return html`<svg class="chart ${sizes.length > 1 && size}" viewBox="${picture.viewBox}" role="img" aria-labelledby="${name}-t ${name}-d"><title id="${name}-t">${chart.title}</title><desc id="${name}-d">${describe(chart)}</desc>${picture.content}</svg>`
  })
  const missing = leftOut(chart)
  return html`<figure><figcaption>${chart.title}</figcaption>
<ul class="legend">${chart.series.map(legend)}</ul>
${pictures.length > 0 ? pictures : html`<p class="empty">There is no point to draw.</p>`}
${missing !== undefined && html`<p class="note">${missing}</p>`}
<details><summary>The numbers</summary>${htmlTable(chartTable(chart, rows))}</details></figure>`
}

function legend(series: Series, at: number): Markup {
  const { stroke, dashes } = lookOf(series, at)
  const dashed = dashes !== '' && html` stroke-dasharray="${dashes}"`
  return html`<li><svg class="swatch" viewBox="0 0 34 12" aria-hidden="true"><path stroke="${stroke}"${dashed} d="M1 6H33"/></svg><span>${series.name} <span class="count">n = ${formatNumber(series.n)}</span></span></li>`
}

/** What the picture shows, for those who do not see it. */
export function describe(chart: Chart): string {
  const marks = (chart.marks ?? []).map(({ x, label }) => `${label} at ${onAxis(chart.x, x)}`)
  return [
    `Curves of ${titleOf(chart.y)}${NOTES[chart.y.scale]} over ${titleOf(chart.x)}${NOTES[chart.x.scale]}.`,
    ...chart.series.map((series) => `${describeSeries(chart, series)}.`),
    ...(marks.length > 0 ? [`Marked: ${marks.join('; ')}.`] : []),
  ].join(' ')
}

const NOTES = { linear: '', log: ' (logarithmic)', percentile: ' (percentiles)' } as const

function describeSeries(chart: Chart, series: Series): string {
  const points = series.points.filter((point) => isPlaced(chart, series, point))
  const [first, last] = [points[0], points.at(-1)]
  const name = `${series.name} (n = ${formatNumber(series.n)})`
  if (!first || !last) return `${name}: no points`
  const y = ([, value]: MeasuredPoint) => onAxis(chart.y, value)
  const x = ([value]: MeasuredPoint) => onAxis(chart.x, value)
  if (points.length === 1) return `${name}: ${y(first)} at ${x(first)}`
  const highest = points.reduce((a, b) => (b[1] > a[1] ? b : a))
  const gaps = linesOf(chart, series).length - 1
  const broken = gaps === 0 ? '' : `, with ${counted(gaps, 'gap')} where nothing was measured`
  return `${name}: from ${y(first)} to ${y(last)}, highest ${y(highest)} at ${x(highest)}${broken}`
}

const onAxis = (axis: Axis, value: number): string => `${formatOn(axis, value)} ${axis.unit}`.trimEnd()

/** A figure of an axis. Percentiles near 100 % differ in their last digits only, so they keep them. */
const formatOn = ({ scale }: Axis, value: number): string =>
  scale === 'percentile' ? String(Number(value.toPrecision(8))) : formatNumber(value)

/** How many points are in the results and not in the picture; nothing is left out silently. */
export function leftOut(chart: Chart): string | undefined {
  const isLeft = (series: Series, point: Point) => isMeasured(point) && !isPlaced(chart, series, point)
  const left = chart.series.flatMap((series) => series.points.filter((point) => isLeft(series, point)))
  if (left.length === 0) return undefined
  const why = 'for want of a place on an axis, or of ten samples above a percentile'
  return `Not drawn, ${why}: ${counted(left.length, 'point')}.`
}

/** The numbers of a chart, a row a point: about `most` rows, evenly spread, and the extremes of every series. */
export function chartTable({ x, y, series }: Chart, most: number): Table {
  const room = Math.max(4, Math.floor(most / Math.max(1, series.length)))
  const measured = series.map(({ points }) => points.filter(isMeasured))
  const rows = series.flatMap(({ name, n }, at) =>
    thin(measured[at]!, room).map(([atX, atY]) => {
      return [`${name} (n = ${formatNumber(n)})`, formatOn(x, atX), formatOn(y, atY)]
    }),
  )
  const whole = measured.reduce((sum, { length }) => sum + length, 0)
  const cut = rows.length < whole ? `, ${rows.length} of ${formatNumber(whole)} rows` : ''
  return { title: `${titleOf(y)}${cut}`, columns: ['series', titleOf(x), titleOf(y)], rows }
}
