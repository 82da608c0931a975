import { setImmediate as yieldLoop } from 'node:timers/promises'
import { ITEMS, Item, type Order, placed, Quantity } from '@lab/common/domain/order.ts'
import { newOrderId } from '@lab/common/ids.ts'
import { LabError } from '@lab/common/kit/errors.ts'
import type { Logger } from '@lab/common/kit/log.ts'
import { z } from 'zod'
import { type LogAppender, UnknownAppend } from '../broker/appender.ts'
import type { OrderView } from './order-view.ts'
import { placedMessage } from './place-order.ts'

export const MAX_COUNT = 1_000_000
const CHUNK = 1_000
const MAX_RUNNING = 4

export const BulkRequest = z
  .strictObject({
    count: z.int().min(1).max(MAX_COUNT).describe('How many orders, 1 to 1,000,000'),
    item: Item.optional().describe('One item for all; without it the items take turns'),
    quantity: Quantity.optional().describe('One quantity for all; without it 1 to 5 in turn'),
  })
  .meta({ id: 'BulkRequest' })
export type BulkRequest = z.infer<typeof BulkRequest>

export const BulkResult = z
  .object({
    requested: z.int(),
    accepted: z.int().describe('Orders the log has acknowledged'),
    unknown: z.int().describe('Orders that were sent and not acknowledged; they may be in the log'),
    first_order_id: z.uuid().nullable(),
    last_order_id: z.uuid().nullable(),
    seconds: z.number(),
    orders_per_second: z.number(),
    aborted: z.string().optional().describe('Why it ended before all were accepted'),
  })
  .meta({ id: 'BulkResult' })
export type BulkResult = z.infer<typeof BulkResult>

interface BulkDeps {
  orderLog: Pick<LogAppender, 'append'>
  view: Pick<OrderView, 'place'>
  log: Logger
  /** Aborts when the service stops: a bulk ends between two chunks. */
  stopping: AbortSignal
}

/**
 * Places many orders, a thousand at a time, each thousand acknowledged by the log before the next is made: memory stays
 * flat and single orders get their turn in between. Up to four bulks at once share the producer; a fifth is refused.
 * When the log stops acknowledging, the result says how many orders it has for sure and how many are unknown.
 */
export function createBulk({ orderLog, view, log, stopping }: BulkDeps) {
  let running = 0

  return async (request: BulkRequest): Promise<BulkResult> => {
    if (running >= MAX_RUNNING)
      throw new LabError('LAB_OVERLOADED', `${running} bulks are running already`, { retryable: true })
    running++
    try {
      return await run(request)
    } finally {
      running--
    }
  }

  async function run(request: BulkRequest): Promise<BulkResult> {
    const startedAt = performance.now()
    const result = {
      requested: request.count,
      accepted: 0,
      unknown: 0,
      aborted: undefined as string | undefined,
    }
    let first: string | null = null
    let last: string | null = null
    while (result.accepted < request.count && result.aborted === undefined) {
      const orders = makeOrders(request, result.accepted, Math.min(CHUNK, request.count - result.accepted))
      try {
        stopping.throwIfAborted()
        await orderLog.append(orders.map(placedMessage))
        view.place(orders)
        result.accepted += orders.length
        first ??= (orders[0] as Order).order_id
        last = (orders.at(-1) as Order).order_id
      } catch (err) {
        if (err instanceof UnknownAppend) result.unknown = orders.length
        result.aborted = stopping.aborted ? 'the service is stopping' : (err as Error).message
      }
      await yieldLoop()
    }
    const seconds = (performance.now() - startedAt) / 1_000
    log.info({ ...result, seconds }, 'bulk placed')
    const { aborted, ...counts } = result
    return {
      ...counts,
      first_order_id: first,
      last_order_id: last,
      seconds: Number(seconds.toFixed(3)),
      orders_per_second: Math.round(result.accepted / seconds),
      ...(aborted === undefined ? {} : { aborted }),
    }
  }
}

/** The same mix at the same place of every bulk: items in turn, quantities 1 to 5. Only ids and times differ. */
function makeOrders({ item, quantity }: BulkRequest, from: number, count: number): Order[] {
  const now = Date.now()
  return Array.from({ length: count }, (_, i) => {
    const command = {
      item: item ?? (ITEMS[(from + i) % ITEMS.length] as Item),
      quantity: quantity ?? ((from + i) % 5) + 1,
    }
    return placed(command, newOrderId(), now)
  })
}
