import { messageOf } from '@lab/kit/errors.ts'
import { Histogram } from '../load/histogram.ts'
import { isSupported } from '../load/percentile.ts'
import { type Chart, isMeasured } from './chart.ts'
import type { ExperimentRecord, Results } from './results.ts'
import { verdictOf } from './verdict.ts'

/**
 * Where a document contradicts itself, although its schema accepts it; each line begins with the field. A run cannot
 * write such a document, so somebody has edited it, and none of its figures means anything.
 */
export function contradictions(results: Results): string[] {
  return [
    ...aboutRun(results),
    ...results.experiments.flatMap((record, at) => {
      const within = (lines: string[]) => lines.map((line) => `experiments[${at}] (${record.name}).${line}`)
      const charts = record.charts ?? []
      return within([
        ...aboutVerdict(record),
        ...charts.flatMap((chart, i) => aboutChart(chart).map((line) => `charts[${i}].${line}`)),
        ...aboutFigures(record.data, 'data'),
      ])
    }),
  ]
}

function aboutRun({ started_at, ended_at, complete, planned, experiments }: Results): string[] {
  const names = experiments.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  const unplanned = names.find((name) => !planned.includes(name))
  const ended = (name: string) =>
    experiments.some((one) => one.name === name && one.verdict !== 'interrupted')
  const isComplete = planned.every(ended)
  return [
    ...(twice === undefined ? [] : [`experiments: ${twice} is there twice`]),
    ...(unplanned === undefined ? [] : [`planned: ${unplanned} was run and not planned`]),
    ...(complete === isComplete
      ? []
      : [
          `complete: it is ${complete}, but ${isComplete ? 'every planned experiment has' : 'not every planned experiment has'} a verdict`,
        ]),
    ...(ended_at !== undefined && Date.parse(ended_at) < Date.parse(started_at)
      ? [`ended_at: ${ended_at} is before the start, ${started_at}`]
      : []),
  ]
}

function aboutVerdict(record: ExperimentRecord): string[] {
  const { verdict, error, duration_seconds: duration } = record
  const lines = duration < 0 ? [`duration_seconds: ${duration} is negative`] : []
  if (verdict === 'interrupted') return lines
  if (error !== undefined && verdict !== 'error') {
    return [...lines, `verdict: it is '${verdict}', but there is an error: ${error.split('\n')[0]}`]
  }
  if (verdict === 'error') {
    return error === undefined ? [...lines, "verdict: it is 'error' without an error"] : lines
  }
  const expected = verdictOf(record)
  // Earlier versions knew no other word for what was not measured.
  if (expected === verdict || (expected === 'not measured' && verdict === 'broken')) return lines
  const failed = record.checks.find(({ holds }) => !holds)
  const seen = failed
    ? `the check '${failed.name}' does not hold`
    : `${record.checks.length} checks, and all hold`
  return [...lines, `verdict: it is '${verdict}', but ${seen}`]
}

function aboutChart({ x, y, series }: Chart): string[] {
  return series.flatMap(({ name, n, points }, at) => {
    const field = `series[${at}] (${name})`
    const shown = points.filter(isMeasured).length
    if (n === 0 && shown > 0) return [`${field}.n: it is 0, but there are ${shown} points`]
    if (x.scale !== 'percentile' || y.scale === 'percentile') return []
    const sorted = points.filter(isMeasured).toSorted((a, b) => a[0] - b[0])
    const fall = sorted.findIndex((point, i) => i > 0 && point[1] < sorted[i - 1]![1])
    if (fall === -1) return []
    const [[lowX, lowY], [highX, highY]] = [sorted[fall - 1]!, sorted[fall]!]
    return [`${field}.points: percentile ${highX} is ${highY}, below percentile ${lowX} with ${lowY}`]
  })
}

/** Histograms whose counts do not add up, and percentiles that fall or that so few samples do not have. */
function aboutFigures(value: unknown, field: string): string[] {
  if (Array.isArray(value)) return value.flatMap((one, at) => aboutFigures(one, `${field}[${at}]`))
  if (typeof value !== 'object' || value === null) return []
  const figures = value as Record<string, unknown>
  if (figures.unit === 'us' && Array.isArray(figures.buckets)) return aboutHistogram(figures, field)
  return [
    ...aboutPercentiles(figures, field),
    ...Object.entries(figures).flatMap(([name, one]) => aboutFigures(one, `${field}.${name}`)),
  ]
}

function aboutHistogram(serialized: unknown, field: string): string[] {
  try {
    Histogram.from(serialized)
    return []
  } catch (err) {
    return [`${field}: not a histogram: ${messageOf(err)}`]
  }
}

const PERCENTILES = { p50_us: 0.5, p95_us: 0.95, p99_us: 0.99, 'p99.9_us': 0.999, max_us: 1 }

function aboutPercentiles(figures: Record<string, unknown>, field: string): string[] {
  const found = Object.entries(PERCENTILES).flatMap(([name, share]) => {
    const us = figures[name]
    return typeof us === 'number' ? [{ name, share, us }] : []
  })
  const lines = found.slice(1).flatMap(({ name, us }, i) => {
    const before = found[i]!
    return us < before.us ? [`${field}.${name}: ${us} is below ${before.name} with ${before.us}`] : []
  })
  const { count } = figures
  if (typeof count !== 'number') return lines
  const unsupported = found.find(({ share }) => share < 1 && !isSupported(count, share))
  return unsupported
    ? [...lines, `${field}.${unsupported.name}: ${count} samples do not have this percentile`]
    : lines
}
