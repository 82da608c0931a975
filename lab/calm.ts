import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

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
