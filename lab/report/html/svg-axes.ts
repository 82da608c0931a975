import type { Axis } from '../chart.ts'
import { html, type Markup } from './markup.ts'
import { type Frame, fitted, widthOf } from './svg-frame.ts'
import { short } from './svg-look.ts'
import type { Scale } from './svg-scale.ts'
import type { Tick } from './svg-ticks.ts'

export const titleOf = ({ label, unit }: Axis): string => (unit === '' ? label : `${label}, ${unit}`)

/** How much room the figures of the vertical axis need on its left. */
export const gutterOf = ({ ticks }: Scale): number =>
  Math.max(22, ...ticks.map(({ label }) => widthOf(label) + 8))

export interface Axes {
  x: { axis: Axis; scale: Scale }
  y: { axis: Axis; scale: Scale }
  frame: Frame
  /** The base line of the title of the vertical axis, which stands above it, level. */
  titleAt: number
}

export function drawAxes({ x, y, frame, titleAt }: Axes): Markup {
  const { left, right, top, bottom, width } = frame
  const toX = (value: number) => left + x.scale.to(value) * (right - left)
  const toY = (value: number) => bottom - y.scale.to(value) * (bottom - top)
  const across = y.scale.ticks.map(({ value }) => `M${left} ${short(toY(value))}H${right}`).join('')
  const labelled = apart(x.scale.ticks, toX)
  const down = labelled.map(({ value }) => `M${short(toX(value))} ${bottom}v4`).join('')
  return html`<g class="axes"><path class="grid" d="${across}"/><path class="base" d="M${left} ${bottom}H${right}${down}"/>
${y.scale.ticks.map((tick) => html`<text class="y" x="${left - 5}" y="${short(toY(tick.value) + 4)}">${tick.label}</text>`)}
${labelled.map((tick) => html`<text class="${anchorOf(toX(tick.value), tick, width)}" x="${short(toX(tick.value))}" y="${bottom + 16}">${tick.label}</text>`)}
<text class="title" x="0" y="${short(titleAt)}">${fitted(titleOf(y.axis), width)}</text>
<text class="title x-title" x="${right}" y="${bottom + 31}">${fitted(titleOf(x.axis), width)}</text></g>`
}

/** A figure at the right edge ends there instead of being cut. */
const anchorOf = (x: number, { label }: Tick, width: number): string =>
  x + widthOf(label) / 2 > width ? 'x last' : 'x'

/** Leaves out the figures that would touch the one before. */
function apart(ticks: Tick[], toX: (value: number) => number): Tick[] {
  let end = Number.NEGATIVE_INFINITY
  return ticks.filter(({ value, label }) => {
    const half = widthOf(label) / 2
    if (toX(value) - half < end + 4) return false
    end = toX(value) + half
    return true
  })
}
