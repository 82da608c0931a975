import { waitFor } from '@lab/kit/wait.ts'
import { type Attempt, closedLoop, countOutcomes } from '../load/closed-loop.ts'
import { readAnalytics } from './analytics.ts'
import type { ExperimentContext } from './experiment.ts'
import { allAnswered, describeOutcomes } from './outcomes.ts'
import type { PartClient } from './part-client.ts'

const CHUNK = 50

interface Options extends Pick<ExperimentContext<unknown>, 'progress' | 'signal'> {
  /** How many orders arrive, even when the replay is faster. */
  atLeast: number
}

/** Resets the analytics while orders keep coming, one chunk after the other, until the replay has caught up. */
export async function replayWhileOrdersArrive(client: PartClient, { atLeast, progress, signal }: Options) {
  const attempts: Attempt[] = []
  const placeChunk = async () => {
    const load = await closedLoop(client.place, { count: CHUNK, concurrency: 4, signal })
    attempts.push(...load.attempts)
    progress(`reading the log again; ${attempts.length} more orders have arrived`)
  }

  await placeChunk()
  const resetAt = performance.now()
  let isOver = false
  const replaying = resetAndCatchUp(client, signal).finally(() => {
    isOver = true
  })
  const arriving = (async () => {
    while (!isOver || attempts.length < atLeast) await placeChunk()
  })()
  const [caughtUpAt] = await Promise.all([replaying, arriving])

  const counts = countOutcomes({ attempts, elapsedMs: 0 })
  const during = attempts.map(answeredAt).filter((at) => at > resetAt && at < caughtUpAt).length
  return {
    accepted: counts['202'] ?? 0,
    during,
    holds: during > 0 && allAnswered(counts, [202], attempts.length),
    detail: `${describeOutcomes(counts)}; ${during} of them while the replay went on, ${Math.round(caughtUpAt - resetAt)} ms`,
  }
}

/** Resolves with the moment at which nothing of what the log had at the reset is left to read. */
async function resetAndCatchUp(client: PartClient, signal: AbortSignal): Promise<number> {
  await client.command('third', '/admin/reset-offsets', undefined)
  const caughtUp = async () => !(await readAnalytics(client)).replay.replaying
  await waitFor('the replay to catch up', caughtUp, { timeoutMs: 120_000, everyMs: 10, signal })
  return performance.now()
}

const answeredAt = (attempt: Attempt): number =>
  attempt.kind === 'answered' ? attempt.startedAt + attempt.latencyUs / 1_000 : Number.NaN
