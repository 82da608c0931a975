import { isSupported } from '../load/histogram.ts'
import type { OpenLoopResult } from '../load/open-loop/result.ts'
import type { Measured, Params } from './compare-latency.ts'
import { merged, percentileChart, timeChart } from './curves.ts'
import type { Chart, Series } from './experiment.ts'
import { CURVES, histogramsOf, loadsOf } from './latency-loads.ts'
import { PARTS } from './offered-load.ts'
import { rateOverTime } from './rate-over-time.ts'

/** Of each rate: latency by percentile, latency over time, and what was achieved of what was offered. */
export const chartsOf = (measured: Measured[], { rates }: Params): Chart[] =>
  rates.flatMap((rate) => [
    byPercentile(measured, rate),
    overTime(measured, rate),
    offeredAgainstAchieved(measured, rate),
  ])

const byPercentile = (measured: Measured[], rate: number): Chart =>
  percentileChart(
    `Latency by percentile at ${rate} orders/s`,
    CURVES.map(({ part, latency, style, isBoth }) => ({
      name: `${style} ${isBoth ? 'acceptance and completion' : latency}`,
      histogram: merged(histogramsOf(measured, { part, rate, latency })),
    })),
  )

function overTime(measured: Measured[], rate: number): Chart {
  const widthMs = widthFor(measured, rate)
  return timeChart({
    title: `Latency over time at ${rate} orders/s: the median of each ${widthMs / 1_000} s, by the intended time`,
    y: { label: 'latency from the intended time, median', unit: 'ms', scale: 'log' },
    series: CURVES.map(({ part, latency, style, isBoth }) => {
      const runs = loadsOf(measured, { part, rate }).map(({ result }) => result)
      return {
        name: `${style} ${isBoth ? 'acceptance and completion' : latency}`,
        n: merged(histogramsOf(measured, { part, rate, latency })).count,
        points: medians(runs, latency === 'acceptance' ? 'response_ok' : 'completion', widthMs),
      }
    }),
  })
}

/** Of all runs together; a stretch with too few samples for a median has no point. */
function medians(
  runs: OpenLoopResult[],
  kind: 'response_ok' | 'completion',
  widthMs: number,
): Series['points'] {
  const stretches = Map.groupBy(
    runs.flatMap(({ intervals }) => intervals),
    ({ at_ms }) => Math.floor(at_ms / widthMs),
  )
  return [...stretches].flatMap(([at, intervals]): Series['points'] => {
    const us = merged(intervals.map((interval) => interval[kind])).percentile(0.5)
    return us === undefined ? [] : [[middleOf(at, widthMs), us / 1_000]]
  })
}

function offeredAgainstAchieved(measured: Measured[], rate: number): Chart {
  const widthMs = widthFor(measured, rate)
  const runsOf = (part: (typeof PARTS)[number]) =>
    loadsOf(measured, { part, rate }).map(({ result }) => result)
  const achieved = CURVES.map(({ part, latency, style, isBoth }) => {
    const counted = latency === 'acceptance' ? ('ok' as const) : ('completed' as const)
    const runs = runsOf(part)
    return {
      name: `${style} ${isBoth ? 'accepted and done' : latency === 'acceptance' ? 'accepted' : 'done'}`,
      n: runs.reduce((sum, { counts }) => sum + counts[counted], 0),
      rates: rateOverTime(runs, counted, widthMs),
    }
  })
  const stretches = Math.max(...achieved.map(({ rates }) => rates.length))
  // Each style is offered the same plan.
  const plan = runsOf(PARTS[0]!)
  const offered = {
    name: 'offered to each',
    n: plan.reduce((sum, { counts }) => sum + counts.offered, 0),
    rates: offeredOverTime(plan, widthMs),
  }
  return timeChart({
    title: `Offered against achieved at ${rate} orders/s, ${plan.length === 1 ? 'one run' : `mean of ${plan.length} runs`}`,
    y: { label: 'rate', unit: 'orders/s' },
    series: [...achieved, offered].map(({ name, n, rates }) => ({
      name,
      n,
      points: Array.from({ length: stretches }, (_, at) => [
        middleOf(at, widthMs),
        Math.round(rates[at] ?? 0),
      ]),
    })),
  })
}

function offeredOverTime(runs: OpenLoopResult[], widthMs: number): number[] {
  const rates: number[] = []
  for (const { at_ms, offered } of runs.flatMap(({ intervals }) => intervals)) {
    const at = Math.floor(at_ms / widthMs)
    rates[at] = (rates[at] ?? 0) + offered / runs.length / (widthMs / 1_000)
  }
  return rates
}

const MOST_STRETCHES = 40

/**
 * Whole intervals of the generator: so many of them that the runs together have samples for a median, and that a curve
 * can still be followed by eye.
 */
function widthFor(measured: Measured[], rate: number): number {
  const runs = loadsOf(measured, { part: PARTS[0]!, rate })
  const intervalMs = runs[0]?.result.interval_ms ?? 250
  const perInterval = (rate * intervalMs * runs.length) / 1_000
  let intervals = Math.max(1, Math.ceil((runs[0]?.result.intervals.length ?? 0) / MOST_STRETCHES))
  while (!isSupported(Math.floor(intervals * perInterval), 0.5)) intervals++
  return intervals * intervalMs
}

const middleOf = (stretch: number, widthMs: number): number => ((stretch + 0.5) * widthMs) / 1_000
