import type { Table } from '../../experiments/experiment.ts'
import { type Chart, isMeasured, type Point, type Series } from '../chart.ts'
import { formatNumber } from '../number.ts'
import { formatOn } from './chart-words.ts'
import { titleOf } from './svg-axes.ts'

/** The numbers of a chart: at most about `maxRows` rows, evenly spread, and always the extremes of every series. */
export function chartTable(chart: Chart, maxRows: number): Table {
  const moments = new Set(chart.series.flatMap(({ points }) => points.map(([x]) => x))).size
  const longest = Math.max(0, ...chart.series.map(({ points }) => points.length))
  // Series that were not taken at the same moments would make a table of gaps.
  const isCommon = moments <= longest * 1.25 && chart.series.every(hasEachXOnce)
  const table = isCommon ? beside(chart, maxRows) : below(chart, maxRows)
  const whole = isCommon ? moments : chart.series.reduce((sum, { points }) => sum + points.length, 0)
  const cut = table.rows.length < whole ? `, ${table.rows.length} of ${formatNumber(whole)} rows` : ''
  return { ...table, title: `${titleOf(chart.y)}${cut}` }
}

const hasEachXOnce = ({ points }: Series): boolean => new Set(points.map(([x]) => x)).size === points.length

/** One column a series. */
function beside({ x, y, series }: Chart, maxRows: number): Omit<Table, 'title'> {
  const moments = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b)
  const chosen = new Set([
    ...spread(moments, maxRows),
    ...series.flatMap(({ points }) => extremesOf(points).map(([at]) => at)),
  ])
  const columns = series.map(({ points }) => new Map(points))
  return {
    columns: [titleOf(x), ...series.map((one) => nameOf(one, y.unit))],
    rows: moments
      .filter((at) => chosen.has(at))
      .map((at) => [formatOn(x, at), ...columns.map((values) => cell(y, values.get(at)))]),
  }
}

/** One row a point, series after series. */
function below({ x, y, series }: Chart, maxRows: number): Omit<Table, 'title'> {
  const room = Math.max(2, Math.floor(maxRows / Math.max(1, series.length)))
  return {
    columns: ['series', titleOf(x), titleOf(y)],
    rows: series.flatMap((one) => {
      const chosen = new Set([...spread(one.points, room), ...extremesOf(one.points)])
      return one.points
        .filter((point) => chosen.has(point))
        .map(([atX, atY]) => [nameOf(one, ''), formatOn(x, atX), cell(y, atY)])
    }),
  }
}

const nameOf = ({ name, n }: Series, unit: string): string =>
  `${name}${unit === '' ? '' : `, ${unit}`} (n = ${formatNumber(n)})`

function spread<Item>(items: readonly Item[], room: number): Item[] {
  if (items.length <= room) return [...items]
  return Array.from({ length: room }, (_, i) => items[Math.round((i * (items.length - 1)) / (room - 1))]!)
}

function extremesOf(all: readonly Point[]): Point[] {
  const points = all.filter(isMeasured)
  const [first] = points
  if (first === undefined) return []
  const low = points.reduce((a, b) => (b[1] < a[1] ? b : a), first)
  const high = points.reduce((a, b) => (b[1] > a[1] ? b : a), first)
  return [low, high]
}

/** A gap has no value. */
const cell = (axis: Chart['y'], value: number | null | undefined): string =>
  typeof value === 'number' ? formatOn(axis, value) : '–'
