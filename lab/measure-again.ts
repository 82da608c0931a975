import { awaitCalm } from './calm.ts'
import type { ExperimentRecord } from './report/results.ts'

/** What the attempts of a whole run may take beyond what was planned: the README names the sum. */
const BUDGET_MS = 90_000
const CALM_MS = 20_000

export interface Again {
  signal: AbortSignal
  say: (text: string) => void
  budgetMs?: number
  calm?: typeof awaitCalm
}

/**
 * Runs experiments; one that the machine did not let be measured runs once more, in a calmer moment if one comes. All second
 * attempts of a run together have a budget, and one that would not fit into it is left out.
 */
export function createMeasuring({ signal, say, budgetMs = BUDGET_MS, calm = awaitCalm }: Again) {
  let leftMs = budgetMs
  return async (attempt: () => Promise<ExperimentRecord>): Promise<ExperimentRecord> => {
    const first = await attempt()
    const needsMs = first.duration_seconds * 1_000
    if (first.verdict !== 'not measured' || signal.aborted || needsMs > leftMs) return first
    const startedAt = performance.now()
    say(`${first.name} was not measured (${first.invalid?.[0]}): once more, in a calmer moment`)
    await calm({ timeoutMs: Math.min(CALM_MS, leftMs - needsMs), signal })
    if (signal.aborted) return first
    const second = await attempt()
    leftMs -= performance.now() - startedAt
    return second.verdict === 'interrupted' ? first : { ...second, earlier_attempt: first.invalid ?? [] }
  }
}
