import { setTimeout as sleep } from 'node:timers/promises'
import { Order, OrderStatus } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { createSseParser } from '@lab/kit/sse.ts'
import { pause } from '@lab/kit/wait.ts'
import pLimit from 'p-limit'
import { Pool } from 'undici'
import { z } from 'zod'
import type { ServiceClient } from './service-client.ts'

const Updates = z.array(z.object({ order_id: z.string(), status: OrderStatus }))
const RECONNECT_MS = 100
/** Longer than the 15 s between two heartbeats of the stream: silence beyond it is a dead connection. */
const SILENCE_MS = 40_000

export interface FollowOptions {
  onStatus: (order_id: string, status: OrderStatus, seenAt: number) => void
  /** The service has attached this reader; after the first time, what happened in between was not seen. */
  onOpen?: (opened: number) => void
  /** Of which the moments are in which something was seen; `performance.now` unless told. */
  clock?: () => number
  stop: AbortSignal
}

/**
 * Reads `GET /orders/stream` until `stop`, again whenever it ends. Resolves once the service has attached this reader, with
 * the promise of the end; rejects when the very first connection fails, which is a wrong url or a service that is not there.
 */
export async function followOrders(url: string, options: FollowOptions): Promise<{ ended: Promise<void> }> {
  const pool = new Pool(url, { connections: 1, connect: { timeout: 3_000 } })
  const attached = Promise.withResolvers<void>()
  let opened = 0
  const onOpen = () => {
    options.onOpen?.(++opened)
    attached.resolve()
  }
  const read = async () => {
    while (!options.stop.aborted) {
      try {
        await readOnce(pool, { ...options, onOpen })
      } catch (err) {
        // Later failures are the service being away, which is what a reconnect is for.
        if (opened === 0)
          throw new Error(`GET /orders/stream cannot be read: ${messageOf(err)}`, { cause: err })
      }
      // An aborted pause is the end of the loop.
      await pause(RECONNECT_MS, options.stop)
    }
  }
  const ended = read()
    .catch((err) => attached.reject(err))
    .finally(() => pool.destroy())
  await attached.promise
  return { ended }
}

async function readOnce(
  pool: Pool,
  { onStatus, onOpen, clock = () => performance.now(), stop }: FollowOptions & { onOpen: () => void },
): Promise<void> {
  const timeouts = { headersTimeout: 5_000, bodyTimeout: SILENCE_MS }
  const { statusCode, body } = await pool.request({
    method: 'GET',
    path: '/orders/stream',
    signal: stop,
    ...timeouts,
  })
  if (statusCode !== 200) throw new Error(`it answered ${statusCode}: ${await body.text()}`)
  const parse = createSseParser()
  const decoder = new TextDecoder()
  let isOpen = false
  for await (const chunk of body) {
    const seenAt = clock()
    // The service writes its first comment when the reader is attached; the headers alone do not prove it.
    if (!isOpen) onOpen()
    isOpen = true
    for (const { event, data } of parse(decoder.decode(chunk as Buffer, { stream: true }))) {
      if (event !== 'orders') continue
      for (const { order_id, status } of Updates.parse(JSON.parse(data))) onStatus(order_id, status, seenAt)
    }
  }
}

export interface Sight {
  status: OrderStatus
  /** When the client learnt of it, on its own clock (`performance.now()`). */
  seenAt: number
  /** `backfill` was read afterwards: the moment of the change is not known. */
  source: 'event' | 'backfill'
}

export interface Completion {
  order_id: string
  status: OrderStatus
  /** On the client's clock. Absent when the status was read afterwards and its moment is not known. */
  completedAt: number | undefined
}

export interface CompletedOptions {
  passes: (status: OrderStatus) => boolean
  /** Completes the sentence "gave up after 10 s: 3 of 20 orders are not …". */
  what: string
  timeoutMs: number
  onProgress?: (done: number, of: number) => void
}

export type OrderStreamClient = Awaited<ReturnType<typeof openOrderStream>>

const LOOK_MS = 5

/** Follows the orders of one service. Every status reached after this resolves is seen, as an event or by backfill. */
export async function openOrderStream(
  url: string,
  { orders, signal }: { orders: ServiceClient; signal: AbortSignal },
) {
  const closing = new AbortController()
  const sights = new Map<string, Sight[]>()
  const watching = new Set<(order_id: string, status: OrderStatus) => void>()
  let connections = 0
  const record = (order_id: string, sight: Sight) => {
    for (const look of watching) look(order_id, sight.status)
    const known = sights.get(order_id)
    if (!known) sights.set(order_id, [sight])
    else if (!known.some(({ status }) => status === sight.status)) known.push(sight)
  }
  /** What was seen of one order, first sight first. A repeated status keeps the time at which it was first seen. */
  const seen = (order_id: string) => sights.get(order_id) ?? []
  const { ended } = await followOrders(url, {
    onStatus: (order_id, status, seenAt) => record(order_id, { status, seenAt, source: 'event' }),
    onOpen: (opened) => {
      connections = opened
    },
    stop: AbortSignal.any([signal, closing.signal]),
  })
  const backfill = async (open: string[]) => {
    await pLimit(16).map(open, async (order_id) => {
      const { status, body } = await orders.get(`/orders/${order_id}`)
      if (status !== 200) return
      record(order_id, { status: Order.parse(body).status, seenAt: performance.now(), source: 'backfill' })
    })
  }

  /**
   * Resolves when each order has shown a status that passes. Orders that are open after a reconnect, and at the
   * deadline, are read with `GET /orders/:order_id`, so a missed event is a late sight and never a lost order.
   */
  async function completed(ids: Iterable<string>, options: CompletedOptions): Promise<Completion[]> {
    const { passes, what, timeoutMs, onProgress } = options
    const order_ids = new Set(ids)
    const open = new Set(order_ids)
    for (const id of order_ids) if (seen(id).some(({ status }) => passes(status))) open.delete(id)
    const look = (order_id: string, status: OrderStatus) => passes(status) && open.delete(order_id)
    watching.add(look)
    const deadline = performance.now() + timeoutMs
    // The reader may have reconnected before this call, so the first look is a backfill unless it never did.
    let trusted = 1
    try {
      for (;;) {
        const isLate = performance.now() >= deadline
        if (open.size > 0 && (connections !== trusted || isLate)) {
          trusted = connections
          await backfill([...open])
        }
        onProgress?.(order_ids.size - open.size, order_ids.size)
        if (open.size === 0) break
        if (isLate) {
          const [example = ''] = open
          const was = seen(example).map(({ status }) => status)
          throw new Error(
            `gave up after ${timeoutMs / 1_000} s: ${open.size} of ${order_ids.size} orders are not ${what}; of ${example} was seen: ${was.join(', ') || 'nothing'}`,
          )
        }
        await sleep(LOOK_MS, undefined, { signal })
      }
    } finally {
      watching.delete(look)
    }
    return [...order_ids].map((order_id) => {
      const { status, seenAt, source } = seen(order_id).find((sight) => passes(sight.status))!
      return { order_id, status, completedAt: source === 'event' ? seenAt : undefined }
    })
  }

  return {
    seen,
    reconnects: () => connections - 1,
    completed,
    close: async () => {
      closing.abort()
      await ended
    },
  }
}
