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
/** From a line to its words. */
const BESIDE = 3
/** How many places are tried before words are left out. */
const MOST_TRIES = 20_000

/**
 * Puts the words of each moment beside its line, on the right where there is room, in rows above the plot, so that no
 * words cover other words or stand across the line of another moment. With more moments than that allows, words are worth
 * less than the lines, which stay. `at` is the place of a moment, 0 to 1; what is outside the axis is left to the table.
 */
export function placeMarks(
  marks: readonly { x: number; label: string }[],
  at: (x: number) => number,
  { left, right }: Pick<Frame, 'left' | 'right'>,
): PlacedMark[] {
  const inside = marks.filter(({ x }) => at(x) >= 0 && at(x) <= 1).toSorted((a, b) => b.x - a.x)
  const places = inside.map(({ x, label }) =>
    placesOf(left + at(x) * (right - left), fitted(label, right), { left, right }),
  )
  let tries = 0
  const place = (placed: PlacedMark[], silent: number): PlacedMark[] | undefined => {
    const next = places[placed.length]
    if (!next) return placed
    for (const one of next) {
      const isSilent = one.text === ''
      if (isSilent && silent === 0 && tries < MOST_TRIES) continue
      if (!isSilent && (++tries > MOST_TRIES || placed.some((other) => !areApart(one, other)))) continue
      const rest = place([...placed, one], silent - Number(isSilent))
      if (rest) return rest
    }
    return undefined
  }
  for (let silent = 0; silent <= inside.length; silent++) {
    const placed = place([], silent)
    if (placed) return placed
  }
  return []
}

/** Row after row on the right of the line, then on the left of it, across it where neither has room, and no words. */
function placesOf(x: number, text: string, { left, right }: Pick<Frame, 'left' | 'right'>): PlacedMark[] {
  const width = widthOf(text)
  const beside = [x + BESIDE, x - BESIDE - width].filter((start) => start >= left && start + width <= right)
  const starts = beside.length > 0 ? beside : [Math.max(0, right - width)]
  const rows = Array.from({ length: MOST_ROWS }, (_, row) => row)
  return [
    ...starts.flatMap((start) => rows.map((row) => ({ x, text, left: start, row }))),
    { x, text: '', left: x, row: 0 },
  ]
}

const areApart = (a: PlacedMark, b: PlacedMark): boolean =>
  !(
    a.row === b.row &&
    a.text !== '' &&
    b.text !== '' &&
    a.left < endOf(b) + GAP &&
    b.left < endOf(a) + GAP
  ) &&
  !isAcross(a, b) &&
  !isAcross(b, a)

/** Whether the line of one moment, which begins at the row of its words, goes through the words of another. */
const isAcross = (line: PlacedMark, words: PlacedMark): boolean =>
  line.text !== '' &&
  words.text !== '' &&
  words.row <= line.row &&
  words.left < line.x + BESIDE &&
  line.x < endOf(words) + BESIDE

const endOf = ({ left, text }: PlacedMark): number => left + widthOf(text)

export const rowsOf = (marks: PlacedMark[]): number => Math.max(0, ...marks.map(({ row }) => row + 1))

export const drawMarks = (marks: PlacedMark[], { top, bottom }: Frame): Markup[] =>
  marks.map(({ x, text, left, row }) => {
    const y = top - 4 - row * LINE
    const isBefore = left + widthOf(text) < x
    // Words on the left end at their line, however wide the font is.
    const [anchor, start] = isBefore ? [html` class="before"`, left + widthOf(text)] : [undefined, left]
    const words = text !== '' && html`<text${anchor} x="${short(start)}" y="${short(y)}">${text}</text>`
    const isAcrossItsLine = text !== '' && !isBefore && left < x
    const from = text === '' ? top : isAcrossItsLine ? y + 3 : y - LINE + 4
    return html`<g class="mark"><path d="M${short(x)} ${short(from)}V${short(bottom)}"/>${words}</g>`
  })
