import type { OpenLoopOptions } from '../load/open-loop.ts'
import { startOpenLoop } from '../load/process.ts'
import type { OpenLoopResult, Snapshot } from '../load/result.ts'
import type { RunningTrio, TrioName } from '../trio.ts'
import type { ExperimentContext } from './experiment.ts'

export interface OfferOptions
  extends Pick<OpenLoopOptions, 'rate' | 'keyPrefix' | 'timeoutMs' | 'drainMs' | 'seed'> {
  /** For the progress line. */
  what: string
  onSnapshot?: (snapshot: Snapshot) => void
}

export interface OfferedLoad {
  result: OpenLoopResult
  /** File with the history of every order, for the ledger. */
  history: string
}

type Bench = Pick<ExperimentContext<unknown>, 'progress' | 'signal' | 'scratchFile'>

/** Offers orders to a running part on a schedule, from a process of its own. A part completes as it promises to: A with the answer. */
export async function offer(
  { progress, signal, scratchFile }: Bench,
  part: RunningTrio,
  { what, onSnapshot, ...options }: OfferOptions,
): Promise<OfferedLoad> {
  const history = await scratchFile('history.jsonl')
  const load: OpenLoopOptions = {
    url: part.order.url,
    completion: part.part === 'sync-rest' ? 'response' : 'stream',
    historyFile: history,
    ...options,
  }
  const { result } = startOpenLoop(load, {
    signal,
    onSnapshot: (snapshot) => {
      const { counts, awaiting_completion } = snapshot
      progress(
        `${what}: ${counts.sent} orders sent, ${counts.ok} accepted, ${awaiting_completion} not completed yet`,
      )
      onSnapshot?.(snapshot)
    },
  })
  const ended = await result
  signal.throwIfAborted()
  return { result: ended, history }
}

export interface PunctualLoad extends OfferedLoad {
  /** How often it was offered until the generator kept its schedule, or nobody tried any more. */
  tries: number
  /** Of every try: their orders are in the part, whichever load is reported. */
  histories: string[]
}

export const TRIES = 2

/** Offers a load; once more when the generator fell behind, which another process of the machine can bring about. */
export async function offerPunctually(
  bench: Bench,
  part: RunningTrio,
  options: OfferOptions,
): Promise<PunctualLoad> {
  const histories: string[] = []
  for (let tries = 1; ; tries++) {
    const load = await offer(bench, part, options)
    histories.push(load.history)
    if (load.result.verdict.kept_up || tries === TRIES) return { ...load, tries, histories }
  }
}

/** Why the figures of a load may not be believed, with the load named; empty when they may. */
export const doubtsAboutLoad = (what: string, { verdict }: OpenLoopResult): string[] =>
  verdict.reasons.map((reason) => `${what}: the load generator did not keep its schedule: ${reason}`)

/** Short names for curves and columns. */
export const STYLE: Record<TrioName, string> = {
  'sync-rest': 'HTTP',
  'async-rabbitmq': 'RabbitMQ',
  'streaming-kafka': 'Kafka',
}
