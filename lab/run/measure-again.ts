import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExperimentRecord } from './schema.ts'

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

/** Waiting brokers take a few percent. */
const BUSY_SHARE = 0.4
const SAMPLE_MS = 1_000

export interface CalmOptions {
  timeoutMs: number
  signal: AbortSignal
  /** Share of the processors that were at work for about a second. */
  busyShare?: () => Promise<number>
}

/** Resolves when the machine has little to do, or when time is up, which is no error: whoever asked goes on. */
export async function awaitCalm({ timeoutMs, signal, busyShare = measure }: CalmOptions): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!signal.aborted && performance.now() < deadline) {
    if ((await busyShare()) < BUSY_SHARE) return
  }
}

async function measure(): Promise<number> {
  const before = times()
  await sleep(SAMPLE_MS)
  const after = times()
  const total = after.total - before.total
  return total === 0 ? 0 : 1 - (after.idle - before.idle) / total
}

function times(): { idle: number; total: number } {
  const all = cpus().map((cpu) => cpu.times)
  return {
    idle: all.reduce((sum, { idle }) => sum + idle, 0),
    total: all.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0),
  }
}
