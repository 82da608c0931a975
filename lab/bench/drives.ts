import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal, type Order } from '@lab/common/domain/order.ts'
import { z } from 'zod'
import { followOrders } from '../load/order-stream.ts'
import type { LoadRequest } from '../load/process.ts'
import type { PartClient } from '../parts/client.ts'
import type { RunningTrio, TrioName } from '../trio.ts'
import { BenchInvalid } from './bench.ts'

type ClosedRequest = Exclude<LoadRequest, { kind: 'open' }>

/** How orders are sent to a part, and how their completion is seen. */
export interface Drive {
  load: string
  completion: string
  request: (count: number) => ClosedRequest
  /** Resolves when `total` orders have completed since the part was started. */
  completed: (total: number, onProgress: (done: number) => void) => Promise<void>
  close: () => Promise<void>
}

interface DriveOptions {
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
  request: (count: number): ClosedRequest => ({ kind: 'place', url: part.order.url, count, connections }),
})

interface WatchOptions {
  /** `GET /orders`, for what happened while the stream was away. */
  readOrders: () => Promise<Order[]>
  stallMs?: number
  signal: AbortSignal
}

/** Counts the orders that reach a terminal status on `GET /orders/stream`; of each it keeps only the id. */
export async function watchCompletions(url: string, { readOrders, stallMs, signal }: WatchOptions) {
  const closing = new AbortController()
  const ids = new Set<string>()
  const note = ({ order_id, status }: Pick<Order, 'order_id' | 'status'>) =>
    isTerminal(status) && ids.add(order_id)
  let isGap = false
  const { ended } = await followOrders(url, {
    onStatus: (order_id, status) => note({ order_id, status }),
    onOpen: (opened) => {
      isGap = opened > 1
    },
    stop: AbortSignal.any([signal, closing.signal]),
  })
  const backfill = async () => {
    isGap = false
    for (const order of await readOrders()) note(order)
  }
  return {
    /** Resolves when `total` different orders have been seen to complete since this was opened. */
    reached: (total: number, onProgress: (done: number) => void) =>
      untilCounted({
        total,
        onProgress,
        signal,
        everyMs: 2,
        ...(stallMs !== undefined && { stallMs }),
        async read() {
          if (isGap) await backfill()
          return ids.size
        },
        lastLook: backfill,
      }),
    async close() {
      closing.abort()
      await ended
    },
  }
}

const Totals = z.object({ orders_total: z.int(), reserved_total: z.int(), failed_total: z.int() })

function analyticsCounted(client: PartClient, counting: Pick<Counting, 'total' | 'onProgress' | 'signal'>) {
  let done = 0
  const read = async () => {
    // A service that does not answer counts nothing, which is what a stall is.
    const answer = await client.read('third', '/metrics').catch(() => undefined)
    const totals = Totals.safeParse(answer).data
    if (totals) done = Math.min(totals.reserved_total + totals.failed_total, totals.orders_total)
    return done
  }
  return untilCounted({ ...counting, read, everyMs: 50 })
}

interface Counting {
  total: number
  onProgress: (done: number) => void
  signal: AbortSignal
  everyMs: number
  /** Nothing completed for this long: the part does not drain. */
  stallMs?: number
  read: () => Promise<number>
  /** Before it is said that the part does not drain. */
  lastLook?: () => Promise<void>
}

async function untilCounted({
  total,
  onProgress,
  signal,
  everyMs,
  stallMs = 30_000,
  read,
  lastLook,
}: Counting) {
  let done = await read()
  let movedAt = performance.now()
  while (done < total) {
    await sleep(everyMs, undefined, { signal })
    const before = done
    done = await read()
    if (done === before && performance.now() - movedAt > stallMs) {
      await lastLook?.()
      done = await read()
      if (done === before)
        throw new BenchInvalid(
          `did not drain: ${done} of ${total} orders completed, none for ${stallMs / 1_000} s`,
        )
    }
    if (done !== before) {
      movedAt = performance.now()
      onProgress(done)
    }
  }
}
