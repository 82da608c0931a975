import { describe, expect, test } from 'vitest'
import { histogramOf } from '../load/histogram.ts'
import type { OpenLoopResult } from '../load/result.ts'
import { TRIOS, type TrioName } from '../trio.ts'
import { chartsOf, type Measured, type Params } from './compare-latency.ts'

const params = {
  rates: [100],
  seconds: 2,
  warmUpOrders: 0,
  arrivals: 'even',
  repetitions: 3,
} satisfies Params

describe('the charts of compare-latency', () => {
  const [percentiles, overTime, achieved] = chartsOf(measured(250, 8), params)

  test('show acceptance and completion of each style, the answer of blocking HTTP being both', () => {
    const curves = [
      'HTTP acceptance and completion',
      'RabbitMQ acceptance',
      'RabbitMQ completion',
      'Kafka acceptance',
      'Kafka completion',
    ]
    expect(percentiles?.series.map(({ name }) => name)).toEqual(curves)
    expect(overTime?.series.map(({ name }) => name)).toEqual(curves)
    expect(achieved?.series.at(-1)?.name).toBe('offered to each')
  })

  test('rest on all runs and say so in units', () => {
    for (const chart of [percentiles!, overTime!, achieved!]) {
      expect(new Set(chart.series.map(({ n }) => n))).toEqual(new Set([600]))
    }
    expect([percentiles?.y.unit, overTime?.y.unit, achieved?.y.unit]).toEqual(['ms', 'ms', 'orders/s'])
    expect(achieved?.title).toBe('Offered against achieved at 100 orders/s, mean of 3 runs')
  })

  test('end by percentile where ten samples above are missing', () => {
    expect(Math.max(...percentiles!.series[0]!.points.map(([percent]) => percent))).toBeLessThanOrEqual(98.4)
  })

  test('show the median of each stretch in its middle, in milliseconds', () => {
    expect(overTime?.series[0]?.points.slice(0, 2)).toEqual([
      [0.125, 2],
      [0.375, 2],
    ])
    expect(overTime?.series[2]?.points[0]).toEqual([0.125, expect.closeTo(6, 2)])
  })

  test('show the offered rate until the load ends', () => {
    expect(achieved?.series.at(-1)?.points[7]).toEqual([1.875, 100])
    expect(achieved?.series.map(({ points }) => points.length)).toEqual([8, 8, 8, 8, 8, 8])
    expect(achieved?.series[0]?.points.every(([, rate]) => rate! >= 0)).toBe(true)
  })
})

test('a stretch that the end of the load cuts short is not shown: its rate would fall for no reason', () => {
  const [, , achieved] = chartsOf(measured(250, 7.5), params)

  expect(achieved?.series.map(({ points }) => points.at(-1))).toEqual(
    Array.from({ length: 6 }, () => [1.625, 100]),
  )
})

test('stretches of a short interval are joined until they have a median, those of a long load to stay readable', () => {
  const widthOf = (intervalMs: number, intervals: number) =>
    /the median of each ([\d.]+) s/.exec(chartsOf(measured(intervalMs, intervals), params)[1]!.title)![1]

  expect(widthOf(50, 8)).toBe('0.1')
  expect(widthOf(250, 800)).toBe('5')
})

/** Three runs of each style, 100 orders/s: accepted after 2 ms, done after 6 ms. */
function measured(intervalMs: number, intervals: number): Measured[] {
  const result = loadOf(intervalMs, intervals)
  return TRIOS.flatMap((part: TrioName) =>
    [0, 1, 2].map((repetition) => ({
      part,
      repetition,
      loads: [{ rate: 100, tries: 1, history: '', histories: [], result }],
    })),
  )
}

function loadOf(intervalMs: number, intervals: number): OpenLoopResult {
  const each = (100 * intervalMs) / 1_000
  const samples = (count: number, ms: number) =>
    histogramOf(Array.from({ length: count }, () => ms * 1_000)).toJSON()
  const total = each * intervals
  const at = (count: number) => ({ offered: count, sent: count, ok: count, completed: count })
  return {
    interval_ms: intervalMs,
    counts: at(total),
    rate: { perSecond: 100, seconds: total / 100 },
    response: { ok: samples(total, 2) },
    completion: { reserved: samples(total, 6) },
    intervals: Array.from({ length: Math.ceil(intervals) }, (_, i) => ({
      at_ms: i * intervalMs,
      ...at(each),
      accepted: each,
      done: each,
      response_ok: samples(each, 2),
      completion: samples(each, 6),
    })),
  } as unknown as OpenLoopResult
}
