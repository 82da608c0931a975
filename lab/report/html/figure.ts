import type { Chart, Series } from '../chart.ts'
import { formatNumber } from '../number.ts'
import { chartTable } from './chart-table.ts'
import { leftOut } from './chart-words.ts'
import { htmlTable } from './html-table.ts'
import { html, type Markup } from './markup.ts'
import { drawChart } from './svg-chart.ts'
import { lookOf } from './svg-look.ts'

/** How much detail the page has room for. */
export interface Detail {
  /** Points of a curve. */
  points: number
  /** Rows under a chart. */
  rows: number
}

/** Charts side by side; one that is alone in its row has the whole width. */
export function figures(charts: readonly Chart[], id: string, detail: Detail): Markup | undefined {
  if (charts.length === 0) return undefined
  const isAlone = (at: number) => at === charts.length - 1 && charts.length % 2 === 1
  return html`<div class="charts">${charts.map((chart, at) =>
    figure(chart, { id: `${id}-${at + 1}`, isAlone: isAlone(at), ...detail }),
  )}</div>`
}

interface Options extends Detail {
  id: string
  isAlone: boolean
}

/** A chart: its title, what each curve is and rests on, the picture, and the numbers below it. */
function figure(chart: Chart, { id, isAlone, points, rows }: Options): Markup {
  // A wide picture on a narrow screen would have tiny words: the style sheet shows the one that fits.
  const pictures = [
    drawChart(chart, { id, maxPoints: points }),
    isAlone && drawChart(chart, { id: `${id}-w`, maxPoints: 2 * points, size: 'whole' }),
  ]
  const missing = leftOut(chart)
  return html`<figure${isAlone && html` class="alone"`}><figcaption>${chart.title}</figcaption>
${legend(chart)}
${pictures[0] ? pictures : html`<p class="empty">There is no point to draw.</p>`}
${missing !== undefined && html`<p class="note">${missing}</p>`}
<details><summary>The numbers</summary>${htmlTable(chartTable(chart, rows))}</details></figure>`
}

const legend = ({ series }: Chart): Markup =>
  html`<ul class="legend">${series.map(
    (one, at) =>
      html`<li>${swatch(one, at)}<span>${one.name} <span class="count">n = ${formatNumber(one.n)}</span></span></li>`,
  )}</ul>`

function swatch(series: Series, at: number): Markup {
  const { colour, dashes, marker } = lookOf(series, at)
  const pattern = dashes === '' ? undefined : html` stroke-dasharray="${dashes}"`
  return html`<svg class="swatch ${colour}" viewBox="0 0 34 12" aria-hidden="true"><path class="curve"${pattern} d="M1 6H33"/>${marker(17, 6)}</svg>`
}
