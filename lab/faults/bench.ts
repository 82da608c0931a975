import type { Stock } from '@lab/common/domain/stock.ts'
import { closePart } from '../experiments/bench.ts'
import type { ExperimentContext } from '../experiments/experiment.ts'
import { warmUp } from '../experiments/offered-load.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { createRandom } from '../load/random.ts'
import { openPartClient } from '../parts/client.ts'
import { brokerFor, stockEnv, type TrioName } from '../trio.ts'
import type { FaultBench, FaultPlan } from './fault.ts'

export interface BenchOptions {
  part: TrioName
  /** Opens what the faults need between the part and its broker. */
  start: FaultPlan['start']
  initial: Stock
  warmUpOrders: number
  seed: number
  /** Names it in what is said meanwhile. */
  what: string
}

/**
 * Gives `work` a fresh, durable and warm copy of a part to inject, and the orders that warmed it. Ends all of it, whatever
 * happened, and leaves a broker that runs.
 */
export async function withBench<Result>(
  context: ExperimentContext<unknown>,
  { part: name, start, initial, warmUpOrders, seed, what }: BenchOptions,
  work: (bench: FaultBench, warm: HistoryRecord[]) => Promise<Result>,
): Promise<Result> {
  await ensureRunning(await brokerOf(context, name))
  const started = await start?.(context)
  const closers: (() => Promise<unknown>)[] = [async () => started?.close()]
  try {
    const behindWire = await context.startPart(name, {
      durable: true,
      ...started?.options,
      env: { ...stockEnv(initial), ...started?.options.env },
    })
    closers.push(() => closePart(behindWire, context.signal))
    const part = started?.direct?.(behindWire) ?? behindWire
    const client = openPartClient(part, context.signal)
    closers.push(async () => client[Symbol.asyncDispose]())
    const warm = await warmUp(client, { ...context, count: warmUpOrders, what })
    const bench: FaultBench = {
      part,
      client,
      ...(started?.wire && { wire: started.wire }),
      random: createRandom(seed),
      signal: context.signal,
      progress: (text) => context.progress(`${what}: ${text}`),
      records: [],
      planted: { deadLetters: 0 },
    }
    return await work(bench, warm)
  } finally {
    for (const close of closers.reverse()) await close().catch(() => {})
    if (!context.signal.aborted) await ensureRunning(await brokerOf(context, name))
  }
}

type Brokers = Pick<ExperimentContext<unknown>, 'server'>

export async function brokerOf(brokers: Brokers, part: TrioName) {
  const { rabbit, kafka } = await brokerFor(part, brokers)
  return rabbit ?? kafka
}

/** A fault that ended badly leaves a broker dead or stalled: it runs again after this. */
export async function ensureRunning(broker: Awaited<ReturnType<typeof brokerOf>>): Promise<void> {
  await broker?.control?.resume()
  await broker?.control?.start()
}
