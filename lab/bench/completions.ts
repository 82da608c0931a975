import { isTerminal, type Order } from '@lab/common/domain/order.ts'
import { OrderProgress, type Sight } from '../load/order-progress.ts'
import { readOrderStream } from '../load/order-stream-reader.ts'
import { BenchInvalid } from './invalid.ts'

/** Counts completed orders; of each it keeps only the id, so that a hundred thousand cost little while they are measured. */
class CompletedOrders extends OrderProgress {
  readonly ids = new Set<string>()

  override record(order_id: string, { status }: Sight): void {
    if (isTerminal(status)) this.ids.add(order_id)
  }
}

export interface Completions {
  /** Resolves when `total` different orders have been seen to complete since this was opened. */
  reached: (total: number, onProgress: (done: number) => void) => Promise<void>
  close: () => Promise<void>
}

export interface CompletionsOptions {
  /** `GET /orders`, for what happened while the stream was away. */
  readOrders: () => Promise<Order[]>
  /** No order completed for this long: the part does not drain. 30 s by default. */
  stallMs?: number
  signal: AbortSignal
}

/** Watches `GET /orders/stream` of an order service for orders that reach a terminal status. */
export async function watchCompletions(
  url: string,
  { readOrders, stallMs = 30_000, signal }: CompletionsOptions,
): Promise<Completions> {
  const closing = new AbortController()
  const completed = new CompletedOrders()
  const stop = AbortSignal.any([signal, closing.signal])
  const { ended } = await readOrderStream(url, { progress: completed, stop })
  let connections = completed.connections

  const backfill = async () => {
    connections = completed.connections
    for (const { order_id, status } of await readOrders()) if (isTerminal(status)) completed.ids.add(order_id)
  }
  return {
    async reached(total, onProgress) {
      while (completed.ids.size < total) {
        signal.throwIfAborted()
        const before = completed.ids.size
        const { promise, forget } = completed.news()
        const isNews = await settledWithin(promise, stallMs, signal)
        forget()
        if (completed.connections !== connections || !isNews) await backfill()
        if (!isNews && completed.ids.size === before) {
          throw new BenchInvalid(
            `did not drain: ${before} of ${total} orders completed, none for ${stallMs / 1_000} s`,
          )
        }
        onProgress(completed.ids.size)
      }
    },
    async close() {
      closing.abort()
      await ended
    },
  }
}

/** True when it settled, false when time was up. */
async function settledWithin(promise: Promise<void>, ms: number, signal: AbortSignal): Promise<boolean> {
  const { promise: over, resolve } = Promise.withResolvers<boolean>()
  const end = () => resolve(false)
  const timer = setTimeout(end, ms)
  signal.addEventListener('abort', end)
  try {
    return await Promise.race([promise.then(() => true), over])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}
