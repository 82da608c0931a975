import type { Chart } from '../chart.ts'
import { chartTable } from './chart-table.ts'
import { leftOut } from './chart-words.ts'
import { htmlTable } from './html-table.ts'
import { html, type Markup } from './markup.ts'
import { formatNumber } from './number.ts'
import { drawChart } from './svg-chart.ts'
import { lookOf } from './svg-look.ts'

/** How much detail the page has room for. */
export interface Detail {
  /** Points of a curve. */
  points: number
  /** Rows under a chart. */
  rows: number
}

/** A chart: its title, what each curve is and rests on, the picture, and the numbers below it. */
export function figure(chart: Chart, id: string, { points, rows }: Detail): Markup {
  const picture = drawChart(chart, { id, maxPoints: points })
  const missing = leftOut(chart)
  return html`<figure><figcaption>${chart.title}</figcaption>
${legend(chart)}
${picture ?? html`<p class="empty">There is no point to draw.</p>`}
${missing !== undefined && html`<p class="note">${missing}</p>`}
<details><summary>The numbers</summary>${htmlTable(chartTable(chart, rows))}</details></figure>`
}

const legend = ({ series }: Chart): Markup =>
  html`<ul class="legend">${series.map(
    ({ name, n }, at) =>
      html`<li>${swatch(at)}<span>${name} <span class="count">n = ${formatNumber(n)}</span></span></li>`,
  )}</ul>`

function swatch(at: number): Markup {
  const { colour, dashes, marker } = lookOf(at)
  const pattern = dashes === '' ? undefined : html` stroke-dasharray="${dashes}"`
  return html`<svg class="swatch ${colour}" viewBox="0 0 34 12" aria-hidden="true"><path class="curve"${pattern} d="M1 6H33"/>${marker(17, 6)}</svg>`
}
