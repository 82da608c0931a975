import type { Series } from '../chart.ts'
import { html, type Markup } from './markup.ts'
import { lookOf, short } from './svg-look.ts'

export type Position = readonly [x: number, y: number]

export interface DrawnLine {
  positions: Position[]
  /** Where the last value ceases to hold. */
  until?: number
}

/** A series where it is drawn, in the units of the picture: its lines, with a gap between two of them. */
export interface Curve {
  series: Series
  /** Which one of the chart it is. */
  at: number
  lines: DrawnLine[]
}

const MARKED_AT_MOST = 6
const FEW = 16

export function drawCurve({ at, lines, series }: Curve): Markup {
  const look = lookOf(series, at)
  const dashes = look.dashes === '' ? undefined : html` stroke-dasharray="${look.dashes}"`
  const path = lines.map((line) => pathOf(line, series.step)).join('')
  const drawn = path !== '' && html`<path class="curve"${dashes} d="${path}"/>`
  return html`<g class="${look.colour}">${drawn}${markedOf(lines, at).map(([x, y]) => look.marker(x, y))}</g>`
}

function pathOf({ positions, until }: DrawnLine, step = false): string {
  if (positions.length < 2 && until === undefined) return ''
  const path = positions.map(([x, y], i) => {
    if (i === 0) return `M${short(x)} ${short(y)}`
    return step ? `H${short(x)}V${short(y)}` : `L${short(x)} ${short(y)}`
  })
  return [...path, ...(until === undefined ? [] : [`H${short(until)}`])].join('')
}

/**
 * Few points are measurements of their own and each is marked; of many some, apart from those of the other curves. One
 * between two gaps has no line, so it is always marked.
 */
function markedOf(lines: DrawnLine[], series: number): Position[] {
  const positions = lines.flatMap((line) => line.positions)
  if (positions.length <= FEW) return positions
  const every = positions.length / MARKED_AT_MOST
  const offset = every * (0.25 + (0.5 * (series % 3)) / 3)
  const alone = lines.filter((line) => line.positions.length === 1).flatMap((line) => line.positions)
  const some = Array.from({ length: MARKED_AT_MOST }, (_, i) => positions[Math.floor(i * every + offset)]!)
  return [...new Set([...some, ...alone])]
}
