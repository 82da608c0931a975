import { isSupported } from '../../load/percentile.ts'
import { type Axis, type Chart, isMeasured, type MeasuredPoint, type Point, type Series } from '../chart.ts'
import { linearTicks, logTicks, nextPercent, niceStep, percentileTicks, type Tick } from './svg-ticks.ts'

/** Maps the values of an axis to its length, 0 to 1, monotonically. */
export interface Scale {
  to: (value: number) => number
  ticks: Tick[]
}

export interface ScaleOptions {
  /** About how many ticks there is room for. */
  room: number
  /** Widens the ends to whole ticks, so that the highest point is not at the edge. */
  extend?: boolean
}

/** Beyond it no measurement of ours goes, and differences would lose their digits. */
const LARGEST = 1e15
const SMALLEST_LOG = 1e-9
const SMALLEST_LINEAR = 1e-9
/** A smaller share of the values themselves cannot be read off an axis. */
const LEAST_SPAN = 1e-6

/** Whether an axis has a place for the value: a logarithm needs it positive, and 100 % is at infinity. */
export function isDrawable({ scale }: Axis, value: number): boolean {
  if (!Number.isFinite(value) || Math.abs(value) > LARGEST) return false
  if (scale === 'log') return value >= SMALLEST_LOG
  return scale === 'linear' || (value >= 0 && value < 100)
}

/** Whether `n` samples are enough for the percentile, which is in percent: ten of them must lie above it. */
const isShown = (axis: Axis, value: number, n: number): boolean =>
  isDrawable(axis, value) && (axis.scale !== 'percentile' || value === 0 || isSupported(n, value / 100))

/** The points that the axes have a place for and the samples support; the others are counted below the picture. */
export const shownPoints = (axes: Pick<Chart, 'x' | 'y'>, series: Series): MeasuredPoint[] =>
  series.points.filter((point) => isPlaced(axes, series, point))

const isPlaced = ({ x, y }: Pick<Chart, 'x' | 'y'>, { n }: Series, point: Point): point is MeasuredPoint =>
  isMeasured(point) && isShown(x, point[0], n) && isShown(y, point[1], n)

export interface Line {
  points: MeasuredPoint[]
  /** Where the last value ceases to hold; absent where the line ends with its last point. */
  until?: number
}

/**
 * The same points as the lines that join them. A line ends where nothing was measured, and where an axis has no place for
 * the next point.
 */
export function shownLines(axes: Pick<Chart, 'x' | 'y'>, series: Series): Line[] {
  const lines: Line[] = []
  let line: Line | undefined
  for (const point of series.points) {
    if (isPlaced(axes, series, point)) {
      if (!line) {
        line = { points: [] }
        lines.push(line)
      }
      line.points.push(point)
      continue
    }
    const isGap = series.step && !isMeasured(point) && isShown(axes.x, point[0], series.n)
    if (line && isGap) line.until = point[0]
    line = undefined
  }
  return lines
}

/** The scale that holds all `values`, which must be drawable. Without values, that of an empty axis. */
export function scaleFor({ scale }: Axis, values: readonly number[], options: ScaleOptions): Scale {
  const sorted = values.toSorted((a, b) => a - b)
  const range = { low: sorted[0] ?? (scale === 'log' ? 1 : 0), high: sorted.at(-1) ?? 1 }
  if (scale === 'log') return logScale(range)
  return scale === 'percentile' ? percentileScale(range) : linearScale(range, options)
}

interface Range {
  low: number
  high: number
}

/** A linear axis starts at 0 unless everything is far from it: a cut axis makes small differences look large. */
function linearScale({ low, high }: Range, { room, extend = false }: ScaleOptions): Scale {
  const largest = Math.max(Math.abs(low), Math.abs(high))
  const isConstant = high - low <= largest * LEAST_SPAN
  let from = low > 0 && (extend || isConstant || low <= high / 3) ? 0 : low
  let to = high < 0 && (extend || isConstant) ? 0 : high
  if (largest < SMALLEST_LINEAR) [from, to] = [0, 1]
  const step = niceStep((to - from) / room)
  if (extend) [from, to] = [Math.floor(from / step) * step, Math.ceil(to / step) * step]
  return { to: (value) => (value - from) / (to - from), ticks: linearTicks({ from, to, step }) }
}

/** Ends at 1, 2 or 5 of a decade. */
function logScale({ low, high }: Range): Scale {
  const from = floorOf125(low)
  const to = ceilOf125(high > low * 1.01 ? high : low * 2)
  const [start, end] = [Math.log10(from), Math.log10(to)]
  return { to: (value) => (Math.log10(value) - start) / (end - start), ticks: logTicks({ from, to }) }
}

const ALMOST = 1e-9

function floorOf125(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value) + ALMOST)
  return decade * ([5, 2].find((factor) => factor * decade <= value * (1 + ALMOST)) ?? 1)
}

function ceilOf125(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value) + ALMOST)
  return decade * ([1, 2, 5].find((factor) => factor * decade >= value * (1 - ALMOST)) ?? 10)
}

/** Like HDR charts: each further nine of 90, 99, 99.9 % is as long as the one before. It ends at a figure. */
function percentileScale({ low, high }: Range): Scale {
  const start = nines(low < 50 ? 0 : low)
  const end = Math.max(nines(nextPercent(high)), start + 0.3)
  return { to: (percent) => (nines(percent) - start) / (end - start), ticks: percentileTicks(start, end) }
}

const nines = (percent: number): number => -Math.log10(1 - percent / 100)
