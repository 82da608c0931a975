import { expect, test } from 'vitest'
import type { OpenLoopResult, Snapshot } from '../load/open-loop/result.ts'
import { rateOverTime } from './rate-over-time.ts'

/** A run that had counted so many accepted orders at these moments; the last is its end. */
function run(...seen: [atMs: number, ok: number][]) {
  const [endMs, ok] = seen.at(-1)!
  const snapshot = ([elapsed_ms, count]: [number, number]) =>
    ({ elapsed_ms, counts: { ok: count } }) as unknown as Snapshot
  return {
    timeline: seen.slice(0, -1).map(snapshot),
    counts: { ok } as OpenLoopResult['counts'],
    phases: [
      { name: 'measured' as const, seconds: 1, orders: ok },
      { name: 'drain' as const, seconds: endMs / 1_000 - 1, orders: 0 },
    ],
  }
}

test.each([
  ['is what came between two snapshots', [run([500, 50], [1_000, 150])], [100, 200]],
  ['shares out evenly what a snapshot splits', [run([250, 25], [750, 125], [1_000, 150])], [150, 150]],
  [
    'goes on after the load until the last answer',
    [run([500, 50], [1_000, 60], [1_500, 100])],
    [100, 20, 80],
  ],
  ['ends with the last answer, not with the run', [run([500, 50], [1_000, 100], [9_000, 100])], [100, 100]],
  [
    'is the mean over runs',
    [run([500, 50], [1_000, 100]), run([500, 0], [1_000, 0], [1_500, 100])],
    [50, 50, 100],
  ],
  ['is nothing when nothing came', [run([500, 0], [1_000, 0])], []],
])('the rate over time %s', (_, runs, rates) => {
  expect(rateOverTime(runs, 'ok', 500)).toEqual(rates)
})
