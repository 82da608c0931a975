import type { Series } from '../chart.ts'
import { html, type Markup } from './markup.ts'

const DASHES = ['', '7 3', '2 3', '9 3 2 3', '4 2', '12 3 2 3 2 3']

/** A series is told apart by its dashes and its marker too, so that its colour is not needed. */
export interface Look {
  /** Names its colour, which the style sheet sets for light, dark and paper. */
  colour: string
  dashes: string
  marker: (x: number, y: number) => Markup
}

/** How the n-th series of a chart looks. */
export function lookOf({ means = 'other' }: Series, at: number): Look {
  const round = Math.floor(at / DASHES.length)
  return {
    colour: `of-${means}`,
    dashes: DASHES[at % DASHES.length]!,
    marker: MARKERS[(at + round) % MARKERS.length]!,
  }
}
const R = 3

const path = (d: string): Markup => html`<path class="dot" d="${d}"/>`

const MARKERS: ((x: number, y: number) => Markup)[] = [
  (x, y) => html`<circle class="dot" cx="${short(x)}" cy="${short(y)}" r="${R}"/>`,
  (x, y) => path(`M${short(x - R)} ${short(y - R)}h${2 * R}v${2 * R}h${-2 * R}z`),
  (x, y) => path(`M${short(x)} ${short(y - R - 1)}l${R + 1} ${2 * R}h${-2 * R - 2}z`),
  (x, y) =>
    path(`M${short(x)} ${short(y - R - 1)}l${R + 1} ${R + 1}l${-R - 1} ${R + 1}l${-R - 1} ${-R - 1}z`),
  (x, y) => path(`M${short(x)} ${short(y + R + 1)}l${R + 1} ${-2 * R}h${-2 * R - 2}z`),
  (x, y) => html`<circle class="dot hollow" cx="${short(x)}" cy="${short(y)}" r="${R}"/>`,
]

/** A tenth of a unit is below what a screen shows, and short. */
export const short = (value: number): string => String(Math.round(value * 10) / 10)
