import type { OpenLoopResult } from '../load/open-loop/result.ts'

type Run = Pick<OpenLoopResult, 'timeline' | 'counts' | 'phases'>
type Counted = 'ok' | 'completed'
type Seen = [atMs: number, count: number][]

/** How long orders were offered that count. */
export const plannedMs = ({ phases }: Pick<OpenLoopResult, 'phases'>): number =>
  phases.reduce((sum, { name, seconds }) => sum + (name === 'measured' ? seconds : 0), 0) * 1_000

/**
 * Orders per second in each stretch of `widthMs` since the load began, as the mean over runs of the same plan: until the
 * load ends, and further until the last of them. A stretch in which either of these comes is left out: it is not whole,
 * and its rate would fall for no reason. The generator counts at its live snapshots; between two of them the orders came
 * evenly.
 */
export function rateOverTime(runs: Run[], counted: Counted, widthMs: number): number[] {
  const seen = runs.map((run) => countsSeen(run, counted))
  const lastMs = Math.max(0, ...seen.map(whenAllWereSeen))
  if (lastMs === 0) return []
  const endMs = Math.max(lastMs, ...runs.map(plannedMs))
  return Array.from({ length: Math.floor(endMs / widthMs) }, (_, at) => {
    const came = seen.map((run) => countAt(run, (at + 1) * widthMs) - countAt(run, at * widthMs))
    return came.reduce((sum, count) => sum + count, 0) / seen.length / (widthMs / 1_000)
  })
}

function countsSeen({ timeline, counts, phases }: Run, counted: Counted): Seen {
  const endMs = phases.reduce((sum, { seconds }) => sum + seconds, 0) * 1_000
  const snapshots = timeline.map((snapshot): Seen[number] => [snapshot.elapsed_ms, snapshot.counts[counted]])
  return [[0, 0], ...snapshots.filter(([atMs]) => atMs > 0 && atMs < endMs), [endMs, counts[counted]]]
}

function whenAllWereSeen(seen: Seen): number {
  const all = seen.at(-1)![1]
  return seen.find(([, count]) => count === all)![0]
}

function countAt(seen: Seen, atMs: number): number {
  const next = seen.findIndex(([at]) => at >= atMs)
  if (next === -1) return seen.at(-1)![1]
  if (next === 0) return 0
  const [[fromMs, from], [toMs, to]] = [seen[next - 1]!, seen[next]!]
  return from + ((to - from) * (atMs - fromMs)) / (toMs - fromMs)
}
