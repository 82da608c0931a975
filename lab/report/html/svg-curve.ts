import type { Series } from '../chart.ts'
import { html, type Markup } from './markup.ts'
import { lookOf, short } from './svg-look.ts'

export type Position = readonly [x: number, y: number]

/** A series where it is drawn, in the units of the picture. */
export interface Curve {
  series: Series
  /** Which one of the chart it is. */
  at: number
  positions: Position[]
}

const MARKED_AT_MOST = 6

export function drawCurve({ at, positions, series }: Curve): Markup {
  const look = lookOf(at)
  const dashes = look.dashes === '' ? undefined : html` stroke-dasharray="${look.dashes}"`
  const line =
    positions.length > 1 && html`<path class="curve"${dashes} d="${pathOf(positions, series.step)}"/>`
  return html`<g class="${look.colour}">${line}${markedOf(positions, at).map(([x, y]) => look.marker(x, y))}</g>`
}

function pathOf(positions: readonly Position[], step = false): string {
  return positions
    .map(([x, y], i) => {
      if (i === 0) return `M${short(x)} ${short(y)}`
      return step ? `H${short(x)}V${short(y)}` : `L${short(x)} ${short(y)}`
    })
    .join('')
}

/** Few points are measurements of their own and each is marked; of many some, apart from those of the other curves. */
function markedOf(positions: Position[], series: number): Position[] {
  if (positions.length <= 2 * MARKED_AT_MOST) return positions
  const every = positions.length / MARKED_AT_MOST
  const offset = every * (0.25 + (0.5 * (series % 3)) / 3)
  return Array.from({ length: MARKED_AT_MOST }, (_, i) => positions[Math.floor(i * every + offset)]!)
}
