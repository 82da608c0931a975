import type { Table } from '../../experiments/experiment.ts'
import { cellText, counted } from '../number.ts'
import { isNumeric } from '../table.ts'
import { html, type Markup } from './markup.ts'

/** Longer tables are cut in the middle: the page is to be read, and `results.json` has every row. */
const MOST_ROWS = 200

/** A table in a box of its own that scrolls sideways, so that the page never does. */
export function htmlTable({ title, columns, rows }: Table): Markup {
  const cells = rows.map((row) =>
    Array.from({ length: Math.max(columns.length, row.length) }, (_, at) => cellText(row[at])),
  )
  const numeric = columns.map((_, at) => isNumeric(cells.map((row) => row[at]!)))
  const kind = (at: number) => (numeric[at] ? html` class="n"` : undefined)
  const line = (row: string[]) => html`<tr>${row.map((cell, at) => html`<td${kind(at)}>${cell}</td>`)}</tr>`
  return html`<div class="scroll" role="region" aria-label="${title}" tabindex="0"><table><caption>${title}</caption>
<thead><tr>${columns.map((name, at) => html`<th scope="col"${kind(at)}>${name}</th>`)}</tr></thead>
<tbody>${linesOf(cells, line, columns.length)}</tbody></table></div>`
}

function linesOf<Row>(rows: Row[], line: (row: Row) => Markup, width: number): Markup[] {
  if (rows.length <= MOST_ROWS) return rows.map(line)
  const half = MOST_ROWS / 2
  const left = counted(rows.length - MOST_ROWS, 'row')
  const gap = html`<tr><td colspan="${width}">… ${left} left out here, in results.json</td></tr>`
  return [...rows.slice(0, half).map(line), gap, ...rows.slice(-half).map(line)]
}
