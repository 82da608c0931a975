import { INITIAL_STOCK, type Stock } from '@lab/common/domain/stock.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import {
  allAnswered,
  type ClosedLoopOptions,
  closedLoop,
  countOutcomes,
  describeOutcomes,
  type LoadResult,
  recordsOf,
} from '../load/closed-loop.ts'
import type { Wired } from '../part.ts'
import { openPartClient } from '../parts/client.ts'
import { watchPart } from '../parts/index.ts'
import { type LedgerOptions, ledgerOf } from '../parts/ledger.ts'
import { type RunningTrio, stockEnv, type TrioName } from '../trio.ts'
import { type Check, check, type ExperimentContext, type StartOptions } from './experiment.ts'
import { type OfferOptions, offer, offerWhile, warmUp } from './offered-load.ts'

interface BenchOptions extends StartOptions {
  /** One of the trios; the experiment's own by default. */
  part?: TrioName
  /** What inventory begins with; the seed's stock by default. */
  stock?: Stock
  /** The part as the lab sees it, past a proxy. */
  direct?: Wired['direct'] | undefined
}

interface Placing extends Partial<Pick<ClosedLoopOptions, 'concurrency' | 'order'>> {
  /** For the progress line. */
  what?: string
}

/** How often a load is offered until the generator keeps its schedule. */
export const TRIES = 2

export type Bench = Awaited<ReturnType<typeof openBench>>

/** A fresh copy of a trio, its client, and the view from behind. Whatever is placed through it is in its ledger. */
export async function openBench<Params>(context: ExperimentContext<Params>, options: BenchOptions = {}) {
  const { part: name, stock: initial = INITIAL_STOCK, direct = (part) => part, env, ...rest } = options
  const { signal, progress } = context
  const start = { ...rest, env: { ...stockEnv(initial), ...env } }
  await using stack = new AsyncDisposableStack()
  const started = await (name ? context.startPart(name, start) : context.start(start))
  stack.defer(() => closePart(started, signal))
  const part = direct(started)
  const client = stack.use(openPartClient(part, signal))
  const watch = stack.use(await watchPart({ part, client, signal }))
  const histories: (string | HistoryRecord[])[] = []
  const opened = stack.move()
  return {
    part,
    client,
    watch,
    progress,
    signal,
    /** Puts what was sent in another way into the ledger. */
    keep: (history: string | HistoryRecord[]) => void histories.push(history),
    /** Orders in a closed loop, one after the other unless told. */
    async place(count: number, { what, concurrency = 1, order }: Placing = {}): Promise<LoadResult> {
      const onAnswer = (done: number) => what && progress(`${what}: ${done} of ${count} orders answered`)
      const loop = { count, concurrency, signal, onAnswer, ...(order && { order }) }
      const load = await closedLoop(client.place, loop)
      histories.push(recordsOf(load))
      return load
    },
    warmUp: async (count: number, what: string) =>
      void histories.push(await warmUp(client, { count, what, signal, progress })),
    /** Offers a load; once more when the generator fell behind, which another process of the machine can bring about. */
    async offer(load: OfferOptions) {
      for (let tries = 1; ; tries++) {
        const offered = await offer(context, part, load)
        histories.push(offered.history)
        if (offered.result.verdict.kept_up || tries === TRIES) return { ...offered, tries }
      }
    },
    async offerWhile<Result>(load: Parameters<typeof offerWhile<Result>>[2]) {
      const offered = await offerWhile(context, part, load)
      histories.push(offered.load.history)
      return offered
    },
    /** Of this part, or of what it has become. */
    ledger: (more: Partial<LedgerOptions> = {}, of = part) =>
      ledgerOf(of, { histories, initial, signal, ...more }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Whoever interrupts a run does not wait for orderly shutdowns. */
export async function closePart(part: RunningTrio | RunningPart, { aborted }: AbortSignal): Promise<void> {
  if (aborted) await Promise.all(Object.values(part.services).map((service) => service.kill()))
  await part.close()
}

/** Whether every order of a load was answered, with one of these statuses. */
export const answeredCheck = (name: string, load: LoadResult, statuses: number[]): Check => {
  const counts = countOutcomes(load)
  return check(name, allAnswered(counts, statuses, load.attempts.length), describeOutcomes(counts))
}
