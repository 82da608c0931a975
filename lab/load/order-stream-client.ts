import { setTimeout as sleep } from 'node:timers/promises'
import { Order, type OrderStatus } from '@lab/common/domain/order.ts'
import pLimit from 'p-limit'
import { OrderProgress, type Sight } from './order-progress.ts'
import { readOrderStream } from './order-stream-reader.ts'
import type { ServiceClient } from './service-client.ts'

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

export interface OrderStreamClient {
  /** What was seen of one order, first sight first. */
  seen: (order_id: string) => Sight[]
  reconnects: () => number
  /**
   * Resolves when each order has shown a status that passes. Orders that are open after a reconnect, and at the
   * deadline, are read with `GET /orders/:order_id`, so a missed event is a late sight and never a lost order.
   */
  completed: (order_ids: Iterable<string>, options: CompletedOptions) => Promise<Completion[]>
  close: () => Promise<void>
}

/** Follows the orders of one service. Every status reached after this resolves is seen, as an event or by backfill. */
export async function openOrderStream(
  url: string,
  { orders, signal }: { orders: ServiceClient; signal: AbortSignal },
): Promise<OrderStreamClient> {
  const closing = new AbortController()
  const progress = new OrderProgress()
  const { ended } = await readOrderStream(url, { progress, stop: AbortSignal.any([signal, closing.signal]) })
  return {
    seen: (order_id) => progress.of(order_id),
    reconnects: () => progress.connections - 1,
    completed: (order_ids, options) =>
      completed({ ...options, order_ids: new Set(order_ids), progress, orders, signal }),
    close: async () => {
      closing.abort()
      await ended
    },
  }
}

interface Wait extends CompletedOptions {
  order_ids: Set<string>
  progress: OrderProgress
  orders: ServiceClient
  signal: AbortSignal
}

async function completed(wait: Wait): Promise<Completion[]> {
  const { order_ids, progress, passes, timeoutMs, onProgress } = wait
  const deadline = performance.now() + timeoutMs
  const open = new Set(order_ids)
  // The reader may have reconnected before this call, so the first look is a backfill unless it never did.
  let trusted = 1
  for (;;) {
    const news = progress.news()
    const left = deadline - performance.now()
    removeDone(open, wait)
    if (open.size > 0 && (progress.connections !== trusted || left <= 0)) {
      trusted = progress.connections
      await backfill(open, wait)
      removeDone(open, wait)
    }
    onProgress?.(order_ids.size - open.size, order_ids.size)
    if (open.size === 0) break
    if (left <= 0) throw tooLate(wait, open)
    await newsWithin(news, left, wait.signal)
  }
  return [...order_ids].map((order_id) => {
    const { status, seenAt, source } = progress.of(order_id).find((sight) => passes(sight.status))!
    return { order_id, status, completedAt: source === 'event' ? seenAt : undefined }
  })
}

function removeDone(open: Set<string>, { progress, passes }: Wait): void {
  for (const id of open) if (progress.of(id).some(({ status }) => passes(status))) open.delete(id)
}

async function newsWithin(
  news: ReturnType<OrderProgress['news']>,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const done = new AbortController()
  try {
    await Promise.race([
      news.promise,
      sleep(ms, undefined, { signal: AbortSignal.any([signal, done.signal]) }),
    ])
  } finally {
    done.abort()
    news.forget()
  }
}

async function backfill(open: Set<string>, { progress, orders }: Wait): Promise<void> {
  await pLimit(16).map(open, async (order_id) => {
    const { status, body } = await orders.get(`/orders/${order_id}`)
    if (status !== 200) return
    progress.record(order_id, {
      status: Order.parse(body).status,
      seenAt: performance.now(),
      source: 'backfill',
    })
  })
}

function tooLate({ order_ids, progress, what, timeoutMs }: Wait, open: Set<string>): Error {
  const [example = ''] = open
  const seen = progress
    .of(example)
    .map(({ status }) => status)
    .join(', ')
  return new Error(
    `gave up after ${timeoutMs / 1_000} s: ${open.size} of ${order_ids.size} orders are not ${what}; of ${example} was seen: ${seen || 'nothing'}`,
  )
}
