import { until } from '@lab/kit/wait.ts'
import { z } from 'zod'
import type { PartClient } from '../experiments/part-client.ts'
import type { RunningTrio, TrioName } from '../trio.ts'
import { watchCompletions } from './completions.ts'
import { BenchInvalid } from './invalid.ts'
import type { LoadRequest } from './load-protocol.ts'

/** How orders are sent to a part, and how their completion is seen. */
export interface Drive {
  load: string
  completion: string
  request: (count: number) => LoadRequest
  /** Resolves when `total` orders have completed since the part was started. */
  completed: (total: number, onProgress: (done: number) => void) => Promise<void>
  close: () => Promise<void>
}

export interface DriveOptions {
  client: PartClient
  connections: number
  signal: AbortSignal
}

const BULK_CHUNK = 10_000

export const drives: Record<TrioName, (part: RunningTrio, options: DriveOptions) => Promise<Drive>> = {
  'sync-rest': async (part, { connections }) => ({
    ...placing(part, connections),
    completion: 'the answer: it comes when reservation and notification are done',
    completed: async () => {},
    close: async () => {},
  }),
  'async-rabbitmq': async (part, { client, connections, signal }) => {
    const completions = await watchCompletions(part.order.url, { readOrders: client.orders, signal })
    return {
      ...placing(part, connections),
      completion: 'reserved or failed on GET /orders/stream of the order service',
      completed: completions.reached,
      close: completions.close,
    }
  },
  'streaming-kafka': async (part, { client, signal }) => ({
    load: `POST /orders/bulk, ${BULK_CHUNK} orders a request, one request at a time`,
    completion: 'counted as reserved or failed by the analytics service (GET /metrics, polled)',
    request: (count) => ({ kind: 'bulk', url: part.order.url, count, chunk: BULK_CHUNK }),
    completed: (total, onProgress) => analyticsCounted(client, { total, onProgress, signal }),
    close: async () => {},
  }),
}

const placing = (part: RunningTrio, connections: number) => ({
  load: `POST /order, closed loop, ${connections} connections`,
  request: (count: number): LoadRequest => ({ kind: 'place', url: part.order.url, count, connections }),
})

const Totals = z.object({ orders_total: z.int(), reserved_total: z.int(), failed_total: z.int() })
const POLL_MS = 50
const STALL_MS = 30_000

interface Counting {
  total: number
  onProgress: (done: number) => void
  signal: AbortSignal
}

async function analyticsCounted(client: PartClient, { total, onProgress, signal }: Counting): Promise<void> {
  let done = 0
  let movedAt = performance.now()
  const counted = async () => {
    // A service that does not answer counts nothing, which is what a stall is.
    const totals = await readTotals(client).catch(() => ({ orders: 0, decided: done }))
    if (totals.decided !== done) movedAt = performance.now()
    done = totals.decided
    onProgress(done)
    if (done >= total && totals.orders >= total) return 'all' as const
    return performance.now() - movedAt > STALL_MS ? ('stalled' as const) : undefined
  }
  const timeoutMs = 60 * 60_000 // the stall above ends it long before
  const end = await until(counted, { what: 'the analytics totals', timeoutMs, everyMs: POLL_MS, signal })
  if (end === 'stalled') {
    throw new BenchInvalid(
      `did not drain: ${done} of ${total} orders counted, none for ${STALL_MS / 1_000} s`,
    )
  }
}

async function readTotals(client: PartClient): Promise<{ orders: number; decided: number }> {
  const totals = Totals.parse(await client.read('third', '/metrics'))
  return { orders: totals.orders_total, decided: totals.reserved_total + totals.failed_total }
}
