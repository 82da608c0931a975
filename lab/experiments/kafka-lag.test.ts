import { expect, test } from 'vitest'
import { type LagSample, lagChart } from './kafka-lag.ts'

test('the lag between samples that are far apart is a gap', () => {
  const sample = (atMs: number): LagSample => ({
    atMs,
    phase: 'before',
    messages: 1,
    state: 'Stable',
    members: 1,
  })
  const [broker] = lagChart([sample(0), sample(1_000), sample(9_000)]).series

  expect(broker?.points).toEqual([
    [0, 1],
    [1, 1],
    [5, null],
    [9, 1],
  ])
})

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
