import { type Histogram, LATENCY_COLUMNS, latencyCells } from '../load/histogram.ts'
import type { Axis, Chart, Column, Series } from './experiment.ts'

/** Count, mean and percentiles of what was measured of an item. */
export const latencyColumns = <Item>(of: (item: Item) => Histogram): Column<Item>[] =>
  LATENCY_COLUMNS.map((title, at) => [title, (item) => latencyCells(of(item))[at]!])

/** Latency by percentile as HDR charts show it. A curve ends where its samples do. `from` says when the clock started. */
export function percentileChart(
  title: string,
  curves: { name: string; histogram: Histogram; means?: Series['means'] }[],
  from = 'the intended time',
): Chart {
  return {
    title,
    x: { label: 'percentile', unit: '%', scale: 'percentile' },
    y: { label: `latency from ${from}`, unit: 'ms', scale: 'log' },
    series: curves
      .map(({ name, histogram, means }) => ({
        name,
        ...(means && { means }),
        n: histogram.count,
        points: histogram.curve().map(({ p, us }): [number, number] => [p * 100, us / 1_000]),
      }))
      .filter(({ points }) => points.length > 0),
  }
}

interface TimeChart extends Pick<Chart, 'title' | 'series' | 'marks'> {
  /** What the curves count, and its unit; linear unless told. */
  y: Omit<Axis, 'scale'> & Partial<Axis>
}

/** Something over the time since the load began. */
export const timeChart = ({ title, y, series, marks }: TimeChart): Chart => ({
  title,
  x: { label: 'time since the load began', unit: 's', scale: 'linear' },
  y: { scale: 'linear', ...y },
  series: series.filter(({ points }) => points.length > 0),
  ...(marks && { marks }),
})

/** Stretches of time by their number, those between the first and the last that have nothing in them included. */
export function everyStretch<Item>(
  stretches: Map<number, Item[]>,
): [stretch: number, items: Item[] | undefined][] {
  const [first, last] = [Math.min(...stretches.keys()), Math.max(...stretches.keys())]
  const count = stretches.size === 0 ? 0 : last - first + 1
  return Array.from({ length: count }, (_, i) => [first + i, stretches.get(first + i)])
}

export const atSeconds = (ms: number): number => Math.round(ms) / 1_000
