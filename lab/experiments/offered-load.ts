import { isTerminal } from '@lab/common/domain/order.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { closedLoop, orderIds, recordsOf } from '../load/closed-loop.ts'
import { now } from '../load/metronome.ts'
import type { OpenLoopOptions } from '../load/open-loop.ts'
import { startOpenLoop } from '../load/process.ts'
import type { OpenLoopResult, Snapshot } from '../load/result.ts'
import type { PartClient } from '../parts/client.ts'
import { drivers } from '../parts/index.ts'
import type { RunningTrio } from '../trio.ts'
import type { ExperimentContext } from './experiment.ts'

export interface OfferOptions
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
export async function offer(
  { progress, signal, scratchFile }: Context,
  part: RunningTrio,
  { what, onSnapshot, ...options }: OfferOptions,
): Promise<OfferedLoad> {
  const history = await scratchFile('history.jsonl')
  const load: OpenLoopOptions = {
    url: part.order.url,
    completion: drivers[part.part].completes,
    historyFile: history,
    ...options,
  }
  const { result } = startOpenLoop(load, {
    signal,
    onSnapshot: (snapshot) => {
      const { counts, awaiting_completion } = snapshot
      const said = `${counts.sent} orders sent, ${counts.ok} accepted, ${awaiting_completion} not completed yet`
      if (what !== undefined) progress(`${what}: ${said}`)
      onSnapshot?.(snapshot)
    },
  })
  const ended = await result
  signal.throwIfAborted()
  return { result: ended, history }
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
export async function offerWhile<Result>(
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

const CONCURRENCY = 16

/**
 * Places orders and waits until every one of them is done, so that code is compiled, connections are open and groups
 * have their assignment before anything is measured. The orders are real: their records belong into the ledger.
 */
export async function warmUp(
  client: PartClient,
  options: Pick<Context, 'signal' | 'progress'> & { count: number; what: string },
): Promise<HistoryRecord[]> {
  const { count, what, signal, progress } = options
  const stream = await client.stream()
  const onAnswer = (done: number) => progress(`${what}: warming up, ${done} of ${count} orders`)
  const load = await closedLoop(client.place, { count, concurrency: CONCURRENCY, signal, onAnswer })
  await stream.completed(orderIds(load), { passes: isTerminal, what: 'done', timeoutMs: 60_000 })
  await stream.close()
  return recordsOf(load)
}
