import type { Stock } from '@lab/common/domain/stock.ts'
import { openBench } from '../experiments/bench.ts'
import type { ExperimentContext } from '../experiments/experiment.ts'
import { createRandom } from '../load/random.ts'
import { brokerFor, type TrioName } from '../trio.ts'
import type { FaultBench, FaultPlan } from './fault.ts'

export interface BenchOptions {
  part: TrioName
  /** Opens what the faults need between the part and its broker. */
  start: FaultPlan['start']
  stock: Stock
  warmUpOrders: number
  seed: number
  /** Names it in what is said meanwhile. */
  what: string
}

/** Gives `work` a fresh, durable and warm copy of a part to inject, and leaves a broker that runs, whatever happened. */
export async function withBench<Result>(
  context: ExperimentContext<unknown>,
  { part, start, stock, warmUpOrders, seed, what }: BenchOptions,
  work: (bench: FaultBench) => Promise<Result>,
): Promise<Result> {
  await ensureRunning(await brokerOf(context, part))
  const opened = new AsyncDisposableStack()
  try {
    const wired = await start?.(context)
    if (wired) opened.defer(wired.close)
    const { options, wire, direct } = wired ?? {}
    const bench = await openBench(context, { ...options, part, stock, durable: true, direct })
    opened.use(bench)
    await bench.warmUp(warmUpOrders, what)
    return await work({
      ...bench,
      wire,
      random: createRandom(seed),
      progress: (text) => context.progress(`${what}: ${text}`),
      planted: { deadLetters: 0 },
    })
  } finally {
    // What a fault has broken cannot be closed in order.
    await opened.disposeAsync().catch(() => {})
    if (!context.signal.aborted) await ensureRunning(await brokerOf(context, part))
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
