import type { Logger } from '@lab/kit/log.ts'
import { reachStep } from '@lab/kit/steps.ts'
import { pause } from '@lab/kit/wait.ts'
import type { Orders } from './orders.ts'
import type { Upstream } from './upstream.ts'

export interface SettlerDeps {
  orders: Pick<Orders, 'decide' | 'settled' | 'unsettled'>
  inventory: Pick<Upstream, 'post'>
  log: Logger
}

export interface Settler {
  /** There is something to settle. */
  wake: () => void
  /** The outcome of this order could not be stored: it is unknown, and settled when there is room for that. */
  undecided: (order_id: string) => void
  /** Ends after the release in flight; what is not settled stays in the store for the next start. */
  stop: () => Promise<void>
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

/**
 * Settles unknown outcomes in the background: asks inventory to release each order until inventory has answered.
 * Releasing is right whatever happened. A reservation that was made is undone; one that still travels meets the
 * tombstone of its release.
 *
 * What is undecided is known to this process only. When it dies, the next one finds the order still `placed`.
 */
export function startSettler({ orders, inventory, log }: SettlerDeps): Settler {
  const stopping = new AbortController()
  const undecided = new Set<string>()
  let woken = Promise.withResolvers<void>()

  const run = async () => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      woken = Promise.withResolvers()
      failures = (await pass().catch(failed)) ? 0 : failures + 1
      if (failures === 0) await woken.promise
      else await backOff(failures, stopping.signal)
    }
  }

  /** Tries every order once, a page at a time, and answers whether none is left. Ends early when nobody answers. */
  const pass = async (): Promise<boolean> => {
    // All at once: what is decided together shares a transaction.
    const decide = async (order_id: string) => {
      await orders.decide(order_id, { status: 'timeout', isUnknown: true })
      undecided.delete(order_id)
    }
    await Promise.all([...undecided].map(decide))
    let isClean = true
    for (const order_ids of orders.unsettled()) {
      reachStep('rest.settle-begun')
      const replies = await Promise.all(order_ids.map((order_id) => inventory.post('/release', { order_id })))
      const isReleased = (i: number) => replies[i]?.kind === 'answered' && replies[i].status === 200
      const released = order_ids.filter((_, i) => isReleased(i))
      if (released.length > 0) reachStep('rest.stock-released')
      await orders.settled(released)
      for (const order_id of released) log.info({ order_id }, 'order settled')
      if (released.length < order_ids.length) isClean = false
      if (released.length === 0) return false
    }
    return isClean
  }

  const failed = (err: unknown) => {
    log.error({ err }, 'settling failed, to be tried again')
    return false
  }

  const running = run()
  return {
    wake: () => woken.resolve(),
    undecided: (order_id) => {
      undecided.add(order_id)
      woken.resolve()
    },
    stop: async () => {
      stopping.abort()
      woken.resolve()
      await running
    },
  }
}

/** Doubles up to the longest pause, with full jitter, so services that lost the same inventory do not return in step. */
async function backOff(failures: number, signal: AbortSignal): Promise<void> {
  const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
  await pause(Math.random() * longestMs, signal)
}
