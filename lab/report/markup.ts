import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Table } from '../run/schema.ts'
import { cellText, counted } from './number.ts'
import { paletteCss } from './palette.ts'
import { isNumeric } from './table.ts'

/** Text that is markup already. Only `html` and `trusted` make it; whatever else enters a page is escaped. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Content = Markup | string | number | undefined | null | false | readonly Content[]

/** Markup with its interpolations escaped, in text and in quoted attributes alike. Lists are joined, nothing is nothing. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(strings.reduce((text, part, at) => text + textOf(values[at - 1]) + part))
}

/** For text of this repository, such as its style sheet: never for anything a run has recorded. */
export const trusted = (text: string): Markup => new Markup(text)

function textOf(value: Content): string {
  if (value === undefined || value === null || value === false) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'string' || typeof value === 'number') return escapeText(String(value))
  return value.map(textOf).join('')
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Characters no document may hold, and those that reorder the text around them, become visible replacements. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to be found
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

export const plain = (text: string): string => text.replace(UNSAFE, '\ufffd')

const escapeText = (text: string): string =>
  plain(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!)

const sheet = readFileSync(join(import.meta.dirname, 'page.css'), 'utf8')
const css = trusted(
  `:root { ${paletteCss('light')} }
@media screen and (prefers-color-scheme: dark) { :root { ${paletteCss('dark')} } }
${sheet}`.replace(/\n\s*/g, '\n'),
)

/** The policy forbids what the page does not need, scripts and any address: a file that was mailed stays silent. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'"

/** A whole page in one file: no script, nothing to fetch. */
export function document({ title, main }: { title: string; main: Content }): string {
  const page = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${css}</style>
</head>
<body>
<a class="skip" href="#main">To the results</a>
${main}
</body>
</html>
`
  return `<!doctype html>\n${page.text}`
}

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
