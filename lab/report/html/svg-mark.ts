import { html, type Markup } from './markup.ts'
import { type Frame, fitted, LINE, widthOf } from './svg-frame.ts'
import { short } from './svg-look.ts'

export interface PlacedMark {
  x: number
  text: string
  left: number
  /** 0 is the row right above the plot. */
  row: number
}

const MOST_ROWS = 4
const GAP = 6

/**
 * Puts the words of each moment to the right of its line, in rows above the plot, so that no words cover other words or
 * the line of a later moment. `at` is the place of a moment, 0 to 1; what is outside the axis is left to the table.
 */
export function placeMarks(
  marks: readonly { x: number; label: string }[],
  at: (x: number) => number,
  { left, right }: Pick<Frame, 'left' | 'right'>,
): PlacedMark[] {
  const inside = marks.filter(({ x }) => at(x) >= 0 && at(x) <= 1).toSorted((a, b) => b.x - a.x)
  const placed: PlacedMark[] = []
  // From the right: a line begins at the row of its words, so words that reach over it stand in a row above.
  for (const { x, label } of inside) {
    const position = left + at(x) * (right - left)
    const text = fitted(label, right)
    const start = Math.max(0, Math.min(position + 3, right - widthOf(text)))
    const end = start + widthOf(text) + GAP
    const below = placed.filter((later) => later.text !== '' && Math.min(later.x, later.left) <= end)
    const row = rowsOf(below)
    // With more moments than rows, words are worth less than the lines, which stay.
    placed.push(
      row < MOST_ROWS
        ? { x: position, text, left: start, row }
        : { x: position, text: '', left: start, row: 0 },
    )
  }
  return placed
}

export const rowsOf = (marks: PlacedMark[]): number => Math.max(0, ...marks.map(({ row }) => row + 1))

export const drawMarks = (marks: PlacedMark[], { top, bottom }: Frame): Markup[] =>
  marks.map(({ x, text, left, row }) => {
    const y = top - 4 - row * LINE
    const words = text !== '' && html`<text x="${short(left)}" y="${short(y)}">${text}</text>`
    const from = text === '' ? top : y - LINE + 4
    return html`<g class="mark"><path d="M${short(x)} ${short(from)}V${short(bottom)}"/>${words}</g>`
  })
