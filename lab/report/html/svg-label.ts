import { html, type Markup } from './markup.ts'
import type { Curve, Position } from './svg-curve.ts'
import { type Box, type Frame, LINE, overlaps, widthOf } from './svg-frame.ts'
import { lookOf, short } from './svg-look.ts'

const LONGEST = 26
const GAP = 5
/** How far from its own curve a name may be, and how far from every other it must be. */
const NEAR = 2 * GAP
const CLEAR = 2 * NEAR
/** Names are bold. */
const BOLD = 1.25
/** Where along a curve a label is tried first, as a share of its points. */
const SPOTS = [1, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1, 0]

/**
 * The names of the curves beside them, each where it covers no curve and no other name. One that finds no such place is
 * left out: the legend has them all.
 */
export function drawLabels(curves: Curve[], frame: Frame): Markup[] {
  if (curves.length < 2) return []
  const taken: Box[] = []
  return curves.flatMap((curve) => {
    const others = curves.filter((one) => one !== curve)
    const box = placesFor(curve, frame).find(
      (place) =>
        !taken.some((other) => overlaps(place, other)) &&
        !crosses(curve, place) &&
        endsOf(place).every((end) => crosses(curve, taller(end, NEAR))) &&
        !others.some((other) => crosses(other, taller(place, CLEAR))),
    )
    if (!box) return []
    // Two names beside each other would read as one.
    taken.push({ ...box, left: box.left - GAP, right: box.right + GAP })
    const { colour } = lookOf(curve.series, curve.at)
    const y = short(box.bottom - 3.5)
    return html`<text class="name ${colour}" x="${short(box.left)}" y="${y}">${curve.series.name}</text>`
  })
}

const taller = (box: Box, by: number): Box => ({ ...box, top: box.top - by, bottom: box.bottom + by })

/** The first and the last third of a name: its own curve has to be beside both. */
function endsOf(box: Box): Box[] {
  const third = (box.right - box.left) / 3
  return [
    { ...box, right: box.left + third },
    { ...box, left: box.right - third },
  ]
}

/** Above and below the curve, within the frame. */
function placesFor({ series, lines }: Curve, frame: Frame): Box[] {
  const positions = lines.flatMap((line) => line.positions)
  if (positions.length === 0 || series.name.length > LONGEST) return []
  const width = widthOf(series.name) * BOLD
  return SPOTS.flatMap((share) => {
    const [x, y] = positions[Math.round(share * (positions.length - 1))]!
    const left = Math.min(Math.max(x - width * share, frame.left + 2), frame.right - width - 2)
    const boxes = [y - GAP - LINE, y + GAP].map((top) => ({
      left,
      right: left + width,
      top,
      bottom: top + LINE,
    }))
    return boxes.filter(
      (box) => box.left >= frame.left && box.top >= frame.top && box.bottom <= frame.bottom - 1,
    )
  })
}

function crosses({ lines, series }: Curve, box: Box): boolean {
  return lines.some(({ positions, until }) => {
    const [, lastY] = positions.at(-1)!
    const all = until === undefined ? positions : [...positions, [until, lastY] as const]
    return all.some((to, i) => {
      const from = all[Math.max(0, i - 1)]!
      if (!series.step) return touches(from, to, box)
      const corner = [to[0], from[1]] as const
      return touches(from, corner, box) || touches(corner, to, box)
    })
  })
}

/** Whether the straight line meets the box: clips it to each side in turn (Liang–Barsky). */
function touches([x1, y1]: Position, [x2, y2]: Position, box: Box): boolean {
  let [enter, leave] = [0, 1]
  const sides = [
    [x1 - x2, x1 - box.left],
    [x2 - x1, box.right - x1],
    [y1 - y2, y1 - box.top],
    [y2 - y1, box.bottom - y1],
  ] as const
  for (const [direction, distance] of sides) {
    if (direction === 0) {
      if (distance < 0) return false
    } else if (direction < 0) {
      enter = Math.max(enter, distance / direction)
    } else {
      leave = Math.min(leave, distance / direction)
    }
  }
  return enter <= leave
}
