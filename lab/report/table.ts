import { styleText } from 'node:util'
import type { Table } from '../run/schema.ts'
import { cellText } from './number.ts'

export interface TableOptions {
  /** The widest a line may be; cells of text wrap, numbers never do. 100 by default. */
  width?: number
  /** Styles titles when the stream shows colours (`NO_COLOR` and pipes do not). */
  stream?: NodeJS.WritableStream
}

const MIN_TEXT = 10
const GAP = '  '
const NUMERIC = /^[-+−~≥≤<>]?\s?\d[\d.,_]*(\s?(%|x|s|ms|µs|MB|\/s))?$|^(n\/a.*|-|–|—|)$/

/** A table as aligned columns under a rule: columns of numbers to the right, text to the left. */
export function renderTable(table: Table, { width = 100, stream }: TableOptions = {}): string {
  const rows = table.rows.map((row) => table.columns.map((_, at) => cellText(row[at])))
  const numeric = table.columns.map((_, at) => isNumeric(rows.map((row) => row[at]!)))
  const widths = fit([table.columns, ...rows], numeric, width - 2)

  const line = (cells: string[]) =>
    `  ${cells.map((cell, at) => (numeric[at] ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!))).join(GAP)}`.trimEnd()
  const block = (cells: string[]) => {
    const wrapped = cells.map((cell, at) => wrap(cell, widths[at]!))
    const height = Math.max(...wrapped.map((lines) => lines.length))
    return Array.from({ length: height }, (_, row) => line(wrapped.map((lines) => lines[row] ?? '')))
  }
  const rule = line(widths.map((columns) => '─'.repeat(columns)))
  const title = stream ? styleText('bold', table.title, { stream }) : table.title
  return [title, ...block(table.columns), rule, ...rows.flatMap(block)].join('\n')
}

/** Whether a column holds figures, which are read by their right ends. */
export const isNumeric = (cells: string[]) =>
  cells.length > 0 && cells.every((cell) => NUMERIC.test(cell.trim()))

/** The width of each column: as wide as its content, then the widest column of text gives way until the line fits. */
function fit(rows: string[][], numeric: boolean[], width: number): number[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)))
  const total = () => widths.reduce((sum, columns) => sum + columns, 0) + GAP.length * (widths.length - 1)
  while (total() > width) {
    const text = widths.map((columns, at) => (numeric[at] ? 0 : columns))
    const widest = Math.max(...text)
    // Every column is as narrow as it can be: a line that is too long says more than one that is cut.
    if (widest <= MIN_TEXT) break
    widths[text.indexOf(widest)]!--
  }
  return widths
}

/** Breaks at blanks; a word longer than the column is broken where the column ends. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap((word) => pieces(word, width))) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

const pieces = (word: string, width: number): string[] =>
  word.length <= width ? [word] : (word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [])
