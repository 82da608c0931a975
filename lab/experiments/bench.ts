import { isTerminal } from '@lab/common/domain/order.ts'
import { INITIAL_STOCK, type Stock } from '@lab/common/domain/stock.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import {
  allAnswered,
  type ClosedLoopOptions,
  closedLoop,
  countOutcomes,
  describeOutcomes,
  orderIds,
  type Placed,
} from '../load/closed-loop.ts'
import { now } from '../load/metronome.ts'
import type { OpenLoopOptions } from '../load/open-loop.ts'
import { startLoadProcess } from '../load/process.ts'
import type { OpenLoopResult, Snapshot } from '../load/result.ts'
import type { Wired } from '../part.ts'
import { openPartClient } from '../parts/client.ts'
import { drivers, watchPart } from '../parts/index.ts'
import { type LedgerOptions, ledgerOf } from '../parts/ledger.ts'
import { type RunningTrio, stockEnv, type TrioName } from '../trio.ts'
import { type Check, check, type ExperimentContext, type StartOptions } from './experiment.ts'

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
  const started = await context.startPart(start, name)
  stack.defer(() => closePart(started, signal))
  const part = direct(started)
  const client = stack.use(openPartClient(part, signal))
  const watch = stack.use(await watchPart({ part, client, signal }))
  const histories: (string | HistoryRecord[])[] = []
  /** Orders in a closed loop, one after the other unless told. */
  const place = async (count: number, { what, concurrency = 1, order }: Placing = {}): Promise<Placed[]> => {
    const onAnswer = (done: number) => what && progress(`${what}: ${done} of ${count} orders answered`)
    const loop = { count, concurrency, signal, onAnswer, ...(order && { order }) }
    const load = await closedLoop(client.place, loop)
    histories.push(load)
    return load
  }
  const opened = stack.move()
  return {
    part,
    client,
    watch,
    progress,
    signal,
    /** Puts what was sent in another way into the ledger. */
    keep: (history: string | HistoryRecord[]) => void histories.push(history),
    place,
    /** Places orders until all are done: code is compiled, connections are open, groups assigned before anything is measured. */
    async warmUp(count: number, what: string): Promise<void> {
      const stream = await client.stream()
      const load = await place(count, { what: `${what}: warming up`, concurrency: 16 })
      await stream.completed(orderIds(load), { passes: isTerminal, what: 'done', timeoutMs: 60_000 })
      await stream.close()
    },
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
export const answeredCheck = (name: string, load: Placed[], statuses: number[]): Check => {
  const counts = countOutcomes(load)
  return check(name, allAnswered(counts, statuses, load.length), describeOutcomes(counts))
}

interface OfferOptions
  extends Pick<OpenLoopOptions, 'rate' | 'keyPrefix' | 'timeoutMs' | 'drainMs' | 'seed'> {
  /** For the progress line; without it there is none. */
  what?: string
  onSnapshot?: (snapshot: Snapshot) => void
}

export interface OfferedLoad {
  result: OpenLoopResult
  /** File with the history of every order, for the ledger. */
  history: string
}

type Context = Pick<ExperimentContext<unknown>, 'progress' | 'signal' | 'scratchFile'>

/** Offers orders to a running part on a schedule, from a process of its own. A part completes as it promises to: A with the answer. */
async function offer(
  { progress, signal, scratchFile }: Context,
  part: RunningTrio,
  { what, onSnapshot, ...options }: OfferOptions,
): Promise<OfferedLoad> {
  const history = await scratchFile('history.jsonl')
  const { completes } = drivers[part.part]
  const load = { url: part.order.url, completion: completes, historyFile: history, ...options }
  const generator = startLoadProcess(signal)
  const tell = (snapshot: Snapshot) => {
    const { counts, awaiting_completion } = snapshot
    const said = `${counts.sent} orders sent, ${counts.ok} accepted, ${awaiting_completion} not completed yet`
    if (what !== undefined) progress(`${what}: ${said}`)
    onSnapshot?.(snapshot)
  }
  const result = await generator
    .run({ kind: 'open', options: load }, { onSnapshot: tell })
    .finally(generator.close)
  signal.throwIfAborted()
  return { result, history }
}

/** Times since a load began, for what is done beside it. */
export interface LoadClock {
  /** When that was on the runner's clock, to the millisecond, however late its message was. */
  zero: number
  /** Milliseconds since then. */
  now: () => number
  /** Aborted when the run is, or when the load or what is done beside it fails. */
  signal: AbortSignal
  /** Aborted with the end of the load, too. */
  over: AbortSignal
}

/** Offers a load and does something beside it from the moment it begins. When one fails, both end. */
async function offerWhile<Result>(
  context: Context,
  part: RunningTrio,
  { beside, ...options }: OfferOptions & { beside: (clock: LoadClock) => Promise<Result> },
): Promise<{ load: OfferedLoad; result: Result; zero: number }> {
  const failing = new AbortController()
  const ended = new AbortController()
  const signal = AbortSignal.any([context.signal, failing.signal])
  const over = AbortSignal.any([signal, ended.signal])
  const began = Promise.withResolvers<number>()
  began.promise.catch(() => {}) // whoever waits for it hears of it
  signal.addEventListener('abort', () => began.reject(signal.reason), { once: true })
  const onSnapshot = (snapshot: Snapshot) => {
    began.resolve(performance.now() + snapshot.began_at - now())
    options.onSnapshot?.(snapshot)
  }
  const besideIt = async () => {
    const zero = await began.promise
    return beside({ zero, now: () => performance.now() - zero, signal, over })
  }
  try {
    const [load, result] = await Promise.all([
      offer({ ...context, signal }, part, { ...options, onSnapshot }).finally(() => ended.abort()),
      besideIt(),
    ])
    return { load, result, zero: await began.promise }
  } catch (err) {
    failing.abort(err)
    throw err
  }
}

/** Why the figures of a load may not be believed, with the load named; empty when they may. */
export const doubtsAboutLoad = (what: string, { verdict }: OpenLoopResult): string[] =>
  verdict.reasons.map((reason) => `${what}: the load generator did not keep its schedule: ${reason}`)
