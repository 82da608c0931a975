import { waitFor } from '@lab/kit/wait.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { closedLoop, orderIds, recordsOf } from '../load/closed-loop.ts'
import type { RabbitProbe } from '../probes/rabbit.ts'
import type { RunningTrio } from '../trio.ts'
import type { ExperimentContext } from './experiment.ts'
import type { PartClient } from './part-client.ts'
import { warmUp } from './warm-up.ts'

const QUEUE = 'inventory_queue'
/** Longer than the experiment: what is delivered is held until the delay is cleared. */
const HOLD_SECONDS = 600
const CONCURRENCY = 64

export interface DrainBench extends Pick<ExperimentContext<unknown>, 'progress' | 'signal'> {
  part: RunningTrio
  client: PartClient
  probe: RabbitProbe
}

export interface Drained {
  prefetch: number
  backlog: number
  /** Messages the broker had given to the consumer and not yet back, while nothing was acknowledged. */
  unacked: number
  /** From the release of the held backlog until every order was reserved. */
  seconds: number
  perSecond: number
}

/**
 * Restarts inventory with a prefetch, lets a backlog build up while it holds what it was given, then releases it. Nothing
 * but the drain is in the time: the process runs and is warm, and its consumer is attached.
 */
export async function drainWith(
  bench: DrainBench,
  { prefetch, orders, warmUpOrders }: { prefetch: number; orders: number; warmUpOrders: number },
): Promise<{ drained: Drained; records: HistoryRecord[] }> {
  const { part, client, probe, progress, signal } = bench
  const what = `prefetch ${prefetch}`
  await part.inventory.stop()
  await part.inventory.start({ env: { PREFETCH: String(prefetch) } })
  const warm = await warmUp(client, { ...bench, count: warmUpOrders, what })

  const stream = await client.stream()
  await client.command('inventory', '/admin/delay', { seconds: HOLD_SECONDS })
  const load = await closedLoop(client.place, { count: orders, concurrency: CONCURRENCY, signal })
  const ids = orderIds(load)
  const given = Math.min(prefetch, ids.length)
  const ready = await heldBacklog(bench, ids.length - given)

  const releasedAt = performance.now()
  await client.clearFaults('inventory')
  const completions = await stream.completed(ids, {
    passes: (status) => status === 'reserved',
    what: 'reserved',
    timeoutMs: 120_000,
    onProgress: (done, of) => progress(`${what}: ${done} of ${of} orders reserved`),
  })
  const last = Math.max(...completions.map(({ completedAt = Number.NaN }) => completedAt))
  await stream.close()
  await waitFor(`${QUEUE} to be empty`, async () => (await probe.depth(QUEUE)).ready === 0, { signal })
  const seconds = (last - releasedAt) / 1_000
  const drained = {
    prefetch,
    backlog: ids.length,
    unacked: ids.length - ready,
    seconds,
    perSecond: ids.length / seconds,
  }
  return { drained, records: [...warm, ...recordsOf(load)] }
}

/**
 * How many messages are ready once all of them are with the broker and it gives the consumer no more: exact, where the
 * management page only samples what is unacknowledged. The wait ends at `expected`, or when nothing has moved for a second.
 */
async function heldBacklog({ probe, signal }: DrainBench, expected: number): Promise<number> {
  let ready = -1
  let since = performance.now()
  await waitFor(
    `${QUEUE} to hold the backlog`,
    async () => {
      const { ready: now } = await probe.depth(QUEUE)
      if (now !== ready) since = performance.now()
      ready = now
      return ready === expected || performance.now() - since > 1_000
    },
    { everyMs: 20, timeoutMs: 60_000, signal },
  )
  return ready
}
