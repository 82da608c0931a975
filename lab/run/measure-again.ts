import { pause } from '@lab/kit/wait.ts'
import type { ExperimentRecord } from './schema.ts'

/** What the attempts of a whole run may take beyond what was planned: the README names the sum. */
const BUDGET_MS = 90_000
const PAUSE_MS = 10_000

interface Again {
  signal: AbortSignal
  say: (text: string) => void
  budgetMs?: number
  /** How long whatever keeps the machine busy is given to end. */
  pauseMs?: number
}

/** One that the machine did not let be measured runs once more, after a pause, while the budget of the run lasts. */
export function createMeasuring({ signal, say, budgetMs = BUDGET_MS, pauseMs = PAUSE_MS }: Again) {
  let leftMs = budgetMs
  return async (attempt: () => Promise<ExperimentRecord>): Promise<ExperimentRecord> => {
    const first = await attempt()
    const needsMs = first.duration_seconds * 1_000
    if (first.verdict !== 'not measured' || signal.aborted || needsMs > leftMs) return first
    const startedAt = performance.now()
    say(`${first.name} was not measured (${first.invalid?.[0]}): once more, after a pause`)
    await pause(Math.min(pauseMs, leftMs - needsMs), signal)
    if (signal.aborted) return first
    const second = await attempt()
    leftMs -= performance.now() - startedAt
    return second.verdict === 'interrupted' ? first : { ...second, earlier_attempt: first.invalid ?? [] }
  }
}
