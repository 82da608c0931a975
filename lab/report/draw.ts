import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { isSupported } from '../load/histogram.ts'
import {
  type Axis,
  type Chart,
  isMeasured,
  type MeasuredPoint,
  type Point,
  type Series,
} from '../run/schema.ts'
import { type Markup, plain, trusted } from './markup.ts'

/** A wide picture on a narrow screen would have tiny words: a chart is drawn twice, and the style sheet shows one. */
export const SIZES = { wide: { width: 1_200, height: 340 }, narrow: { width: 380, height: 250 } } as const
export type Size = keyof typeof SIZES

export interface Picture {
  viewBox: string
  /** What stands within the `svg` element. */
  content: Markup
}

/** Series are told apart by their dashes too, so that colour is not needed. */
const DASHES = ['', '8 3', '2 3', '9 3 2 3', '5 2', '12 3 2 3 2 3']
export const lookOf = ({ means = 'other' }: Series, at: number) => ({
  stroke: `var(--${means})`,
  dashes: DASHES[at % DASHES.length]!,
})

export const titleOf = ({ label, unit }: Axis): string => (unit === '' ? label : `${label}, ${unit}`)

const { document } = parseHTML('<html></html>')
/** Of a title of an axis, and of the words of a moment, in letters. */
const LONGEST = 60
const MARGIN = { marginTop: 26, marginRight: 30, marginBottom: 40, marginLeft: 58 }

/** The chart without any script or style of its own; undefined when it has no point to draw. */
export function drawChart(chart: Chart, size: Size, maxPoints: number): Picture | undefined {
  const shown = chart.series.map((series) => linesOf(chart, series))
  const all = shown.flat(2)
  if (all.length === 0) return undefined
  const moments = (chart.marks ?? []).filter(({ x }) => isDrawable(chart.x, x))
  const { width, height } = SIZES[size]
  const x = scaleOf(chart.x, [...all.map(([at]) => at), ...moments.map((moment) => moment.x)], width / 90)
  const y = scaleOf(
    { ...chart.y, isBase: true },
    all.map(([, value]) => value),
    5,
  )
  const words = placeWords(moments, x)
  const tall = height + WORDS * Math.max(0, ...words.map(({ row }) => row))
  const axis = { labelArrow: 'none', tickSize: 0 } as const
  const picture = Plot.plot({
    document: document as never,
    width,
    height: tall,
    ...MARGIN,
    marginTop: MARGIN.marginTop + tall - height,
    x: { type: x.type, domain: x.domain },
    y: { type: y.type, domain: y.domain },
    marks: [
      Plot.gridY({ ticks: y.ticks, stroke: 'var(--grid)', strokeOpacity: 1 }),
      Plot.axisY({
        ...axis,
        tickSize: 0,
        ticks: y.ticks,
        ...y.format,
        label: plain(titleOf(chart.y)).slice(0, LONGEST),
      }),
      Plot.axisX({ ...axis, ticks: x.ticks, ...x.format, label: plain(titleOf(chart.x)).slice(0, LONGEST) }),
      Plot.frame({ anchor: 'bottom', stroke: 'var(--quiet)' }),
      ...words.flatMap(({ at, label, row, textAnchor }) => [
        Plot.ruleX([at], { stroke: 'var(--ink)', strokeDasharray: '1 3', insetTop: -6 - WORDS * row }),
        Plot.text([label], {
          x: [at],
          frameAnchor: 'top',
          textAnchor,
          dx: textAnchor === 'start' ? 4 : -4,
          dy: -10 - WORDS * row,
        }),
      ]),
      ...chart.series.flatMap((series, at) =>
        curve(shown[at]!, { x, y, maxPoints, ...lookOf(series, at) }, series),
      ),
    ],
  })
  return { viewBox: `0 0 ${width} ${tall}`, content: trusted(compact(picture.innerHTML)) }
}

interface Drawing {
  x: Scale
  y: Scale
  maxPoints: number
  stroke: string
  dashes: string
}

const FEW = 16

/** One path that is broken at each gap. Few points are measurements of their own and are marked; so is one between two gaps. */
function curve(lines: MeasuredPoint[][], { x, y, maxPoints, stroke, dashes }: Drawing, { step }: Series) {
  const count = lines.reduce((sum, points) => sum + points.length, 0)
  const thinned = lines.map((points) =>
    thin(points, Math.max(4, Math.floor((maxPoints * points.length) / count))),
  )
  const path = thinned.flatMap((points, i): (MeasuredPoint | undefined)[] =>
    i === 0 ? points : [undefined, ...points],
  )
  const marked =
    count <= FEW && !step ? thinned.flat() : thinned.filter((points) => points.length === 1).flat()
  const place = {
    x: (point?: MeasuredPoint) => (point ? x.of(point[0]) : Number.NaN),
    y: (point?: MeasuredPoint) => (point ? y.of(point[1]) : Number.NaN),
  }
  return [
    Plot.line(path, {
      ...place,
      stroke,
      strokeWidth: 2,
      curve: step ? 'step-after' : 'linear',
      ...(dashes !== '' && { strokeDasharray: dashes }),
    }),
    Plot.dot(marked, { ...place, fill: stroke, r: 3.5 }),
  ]
}

/** A tenth of a unit is below what a screen shows. The sheet of the page has the two rules that Plot would repeat. */
const compact = (svg: string): string =>
  svg.replace(/^<style>.*?<\/style>/s, '').replace(/="[^"]*"/g, (value) => value.replace(/(\.\d)\d+/g, '$1'))

/** Beyond these no measurement of ours goes, and differences would lose their digits. */
const LARGEST = 1e15
const SMALLEST = 1e-9

/** Whether an axis has a place for the value: a logarithm needs it positive, and 100 % is at infinity. */
export function isDrawable({ scale }: Axis, value: number): boolean {
  if (!Number.isFinite(value) || Math.abs(value) > LARGEST) return false
  if (scale === 'log') return value >= SMALLEST
  return scale === 'linear' || (value >= 0 && value < 100)
}

/** Of a percentile, ten samples must lie above it. */
const isShown = (axis: Axis, value: number, n: number): boolean =>
  isDrawable(axis, value) && (axis.scale !== 'percentile' || value === 0 || isSupported(n, value / 100))

type Axes = Pick<Chart, 'x' | 'y'>

export const isPlaced = ({ x, y }: Axes, { n }: Series, point: Point): point is MeasuredPoint =>
  isMeasured(point) && isShown(x, point[0], n) && isShown(y, point[1], n)

/** The points as the lines that join them; a line ends where nothing was measured, or where an axis has no place. */
export function linesOf(axes: Axes, series: Series): MeasuredPoint[][] {
  const lines: MeasuredPoint[][] = []
  let line: MeasuredPoint[] | undefined
  for (const point of series.points) {
    if (isPlaced(axes, series, point)) {
      if (line) line.push(point)
      else {
        line = [point]
        lines.push(line)
      }
      continue
    }
    const last = line?.at(-1)
    if (last && series.step && !isMeasured(point) && isShown(axes.x, point[0], series.n))
      line!.push([point[0], last[1]])
    line = undefined
  }
  return lines
}

/**
 * At most `limit` (4 or more) of the points, in their order: of each of equal stretches the first, the last, the lowest and
 * the highest, so that a spike which lasted one sample is still there.
 */
export function thin(points: readonly MeasuredPoint[], limit: number): MeasuredPoint[] {
  if (points.length <= limit) return [...points]
  const stretches = Math.max(1, Math.floor(limit / 4))
  return Array.from({ length: stretches }, (_, i) => {
    const own = points.slice((i * points.length) / stretches, ((i + 1) * points.length) / stretches)
    const low = own.reduce((a, b) => (b[1] < a[1] ? b : a))
    const high = own.reduce((a, b) => (b[1] > a[1] ? b : a))
    const kept = new Set([own[0], low, high, own.at(-1)])
    return own.filter((point) => kept.has(point))
  }).flat()
}

interface Scale {
  type: 'linear' | 'log'
  domain: [from: number, to: number]
  ticks: number | number[]
  format: { text?: (value: number) => string }
  /** Where on its scale a value of the axis stands. */
  of: (value: number) => number
}

/** `room` is about how many ticks fit. A base axis shows amounts: it begins at 0, for a cut one makes small differences large. */
function scaleOf(
  { scale, isBase = false }: Axis & { isBase?: boolean },
  values: number[],
  room: number,
): Scale {
  const low = values.reduce((a, b) => Math.min(a, b))
  const high = values.reduce((a, b) => Math.max(a, b))
  if (scale === 'log') return logScale(low, high)
  if (scale === 'percentile') return percentileScale(low, high)
  const from = low > 0 && (isBase || low <= high / 3) ? 0 : low
  const to = high < 0 && isBase ? 0 : high
  const largest = Math.max(Math.abs(from), Math.abs(to))
  const span = to - from > Math.max(SMALLEST, LEAST_SPAN * largest) ? to - from : Math.max(1, Math.abs(to))
  const format = largest >= 1e6 ? { text: inShort } : {}
  return {
    type: 'linear',
    domain: [from, from + span * (isBase ? 1.04 : 1)],
    ticks: room,
    format,
    of: (value) => value,
  }
}

/** A smaller share of the values themselves cannot be read off an axis. */
const LEAST_SPAN = 1e-6
const inShort = (value: number): string => SHORT.format(value)
const SHORT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 })

/** Each decade, with 2 and 5 between where that is few enough to read. */
function logScale(low: number, high: number): Scale {
  const decades = Math.log10(high / low)
  const powers = Array.from({ length: 26 }, (_, i) => i - 10)
  const steps = powers.flatMap((power) => (decades <= 3 ? [1, 2, 5] : [1]).map((step) => step * 10 ** power))
  const from = steps.findLast((step) => step <= low * 1.000_001) ?? low
  const to = steps.find((step) => step >= Math.max(high, from * 2) * 0.999_999) ?? high
  const inside = steps.filter((step) => step >= from && step <= to)
  const every = Math.ceil(inside.length / 10)
  return {
    type: 'log',
    domain: [from, to],
    ticks: inside.filter((_, at) => at % every === 0),
    format: { text: (value) => (value >= 1e6 || value < 1e-6 ? inShort(value) : DIGITS.format(value)) },
    of: (value) => value,
  }
}
const DIGITS = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })

const PERCENTS = [0, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 99.9999]
const nines = (percent: number): number => -Math.log10(1 - percent / 100)

/** Like HDR charts: each further nine of 90, 99, 99.9 % is as long as the one before. It ends at a figure. */
function percentileScale(low: number, high: number): Scale {
  const from = nines(low < 50 ? 0 : low)
  const to = Math.max(nines(PERCENTS.find((percent) => percent >= high - 1e-9) ?? high), from + 0.3)
  const isLong = to - from > 2.5
  const shown = PERCENTS.filter((percent) => nines(percent) >= from - 1e-9 && nines(percent) <= to + 1e-9)
  return {
    type: 'linear',
    domain: [from, to],
    ticks: shown.filter((percent) => !isLong || (percent !== 75 && percent !== 95)).map(nines),
    format: { text: (value) => String(Number((100 * (1 - 10 ** -value)).toFixed(5))) },
    of: nines,
  }
}

/** The height of a row of words, and how many there are at most. */
const WORDS = 16
const ROWS = 4

/** The words of each moment beside its line, towards the middle, in rows above the plot: neighbours have room side by side. */
function placeWords(moments: NonNullable<Chart['marks']>, { domain: [from, to], type, of }: Scale) {
  const middle = type === 'log' ? Math.sqrt(from * to) : (from + to) / 2
  return moments
    .map(({ x, label }) => ({ at: of(x), label: plain(label).slice(0, LONGEST) }))
    .filter(({ at }) => at >= from && at <= to)
    .map((words, nth) => ({
      ...words,
      /** 0 is the row right above the plot. */
      row: nth % ROWS,
      textAnchor: words.at > middle ? ('end' as const) : ('start' as const),
    }))
}
