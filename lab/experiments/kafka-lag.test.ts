import { expect, test } from 'vitest'
import { type LagSample, lagChart } from './kafka-lag.ts'

test('the lag that a stopped service would tell is a gap, not the last one it told', () => {
  const sample = (atMs: number, messages: number, isRunning = true): LagSample => ({
    atMs,
    phase: isRunning ? 'draining' : 'stopped',
    messages,
    state: 'Stable',
    members: 1,
    ...(isRunning && { reported: { messages, seconds: 1 } }),
  })
  const { series } = lagChart([sample(0, 9), sample(1_000, 0), sample(2_000, 50, false), sample(3_000, 0)])

  expect(series.map(({ n, points }) => [n, points.map(([, lag]) => lag)])).toEqual([
    [4, [9, 0, 50, 0]],
    [3, [9, 0, null, 0]],
  ])
})
