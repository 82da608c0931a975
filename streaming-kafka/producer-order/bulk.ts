import { setImmediate as yieldLoop } from 'node:timers/promises'
import { ITEMS, Item, type Order, placed, Quantity } from '@lab/common/domain/order.ts'
import { requireKey } from '@lab/common/idempotency.ts'
import { derivedId, newOrderId } from '@lab/common/ids.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { z } from 'zod'
import { type LogAppender, UnknownAppend } from '../broker/appender.ts'
import type { OrderView } from './order-view.ts'
import { placedMessage } from './place-order.ts'

const MAX_COUNT = 1_000_000
const CHUNK = 1_000
const MAX_RUNNING = 4
const MAX_KEYS = 10_000

export const BulkRequest = z
  .strictObject({
    count: z.int().min(1).max(MAX_COUNT).describe('How many orders, 1 to 1,000,000'),
    item: Item.optional().describe('One item for all; without it the items take turns'),
    quantity: Quantity.optional().describe('One quantity for all; without it 1 to 5 in turn'),
  })
  .meta({ id: 'BulkRequest', examples: [{ count: 100 }, { count: 10, item: 'pizza', quantity: 1 }] })
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
  view: Pick<OrderView, 'orders' | 'place'>
  log: Logger
  /** Aborts when the service stops: a bulk ends between two chunks. */
  stopping: AbortSignal
}

export interface BulkContext {
  idempotencyKey?: string | string[] | undefined
  /** Aborts when nobody waits for the answer any more: the bulk ends between two chunks. */
  gone?: AbortSignal
}

export interface PlacedBulk {
  result: BulkResult
  /** Whether the log had all of it before, so that nothing was placed now. */
  isReplay: boolean
}

/**
 * Places many orders, a thousand at a time, each thousand acknowledged by the log before the next is made: memory stays
 * flat and single orders get their turn in between. Up to four bulks at once share the producer; a fifth is refused.
 * When the log stops acknowledging, or the client hangs up, the result says how many orders it has for sure and how many
 * are unknown.
 *
 * The ids of the orders of an Idempotency-Key follow from the key. Sent again, a bulk places only what the log does not
 * have, so one that was broken off is completed and a finished one is answered again, also by a new process.
 */
export function createBulk({ orderLog, view, log, stopping }: BulkDeps) {
  const keys = createKeys()
  let running = 0

  return async (
    request: BulkRequest,
    { idempotencyKey: key, gone = stopping }: BulkContext = {},
  ): Promise<PlacedBulk> => {
    if (running >= MAX_RUNNING)
      throw new LabError('LAB_OVERLOADED', `${running} bulks are running already`, { retryable: true })
    const claim = key === undefined ? undefined : keys.claim(key, request)
    if (claim?.answered) return { result: claim.answered, isReplay: true }
    running++
    try {
      const placed = await run(request, { key: claim?.key, gone })
      if (placed.result.aborted === undefined) claim?.answer(placed.result)
      return placed
    } finally {
      running--
      claim?.release()
    }
  }

  /** What the log does not have of these. Throws when it has others under their ids. */
  function unplaced(orders: Order[], key: string): Order[] {
    return orders.filter((order) => {
      const known = view.orders.get(order.order_id)
      if (known && (known.item !== order.item || known.quantity !== order.quantity)) throw otherBulk(key)
      return !known
    })
  }

  async function run(
    request: BulkRequest,
    { key, gone }: { key: string | undefined; gone: AbortSignal },
  ): Promise<PlacedBulk> {
    const startedAt = performance.now()
    if (key !== undefined && view.orders.get(orderIdOf(key, request.count))) throw otherBulk(key)
    let isReplay = true
    const result = {
      requested: request.count,
      accepted: 0,
      unknown: 0,
      aborted: undefined as string | undefined,
    }
    let first: string | null = null
    let last: string | null = null
    while (result.accepted < request.count && result.aborted === undefined) {
      const count = Math.min(CHUNK, request.count - result.accepted)
      const orders = makeOrders(request, { from: result.accepted, count, key })
      const fresh = key === undefined ? orders : unplaced(orders, key)
      try {
        stopping.throwIfAborted()
        gone.throwIfAborted()
        if (fresh.length > 0) {
          isReplay = false
          await orderLog.append(fresh.map(placedMessage))
          view.place(fresh)
        }
        result.accepted += orders.length
        first ??= (orders[0] as Order).order_id
        last = (orders.at(-1) as Order).order_id
      } catch (err) {
        if (err instanceof UnknownAppend) result.unknown = fresh.length
        result.aborted = stopping.aborted ? 'the service is stopping' : (err as Error).message
      }
      await yieldLoop()
    }
    const seconds = (performance.now() - startedAt) / 1_000
    log.info({ ...result, seconds }, 'bulk placed')
    const { aborted, ...counts } = result
    const answer = {
      ...counts,
      first_order_id: first,
      last_order_id: last,
      seconds: Number(seconds.toFixed(3)),
      orders_per_second: Math.round(result.accepted / seconds),
      ...(aborted === undefined ? {} : { aborted }),
    }
    return { result: answer, isReplay: isReplay && aborted === undefined }
  }
}

interface Keyed {
  request: string
  answered?: BulkResult
  isInFlight: boolean
}

/** The bulks of late by their keys. What is forgotten here is found in the log, only not how many orders were asked for. */
function createKeys() {
  const keyed = new Map<string, Keyed>()
  return {
    claim: (key: string | string[], bulk: BulkRequest) => {
      requireKey(key)
      const request = JSON.stringify([bulk.count, bulk.item, bulk.quantity])
      const known = keyed.get(key)
      if (known && known.request !== request) throw otherBulk(key)
      if (known?.isInFlight) throw new LabError('LAB_KEY_IN_FLIGHT', `Idempotency-Key '${key}' is in flight`)
      const entry: Keyed = known ?? { request, isInFlight: false }
      if (known?.answered) return { key, answered: known.answered, answer: () => {}, release: () => {} }
      const oldest = keyed.keys().next().value
      if (keyed.size >= MAX_KEYS && oldest !== undefined) keyed.delete(oldest)
      keyed.set(key, entry)
      entry.isInFlight = true
      return {
        key,
        answered: undefined,
        answer: (result: BulkResult) => {
          entry.answered = result
        },
        release: () => {
          entry.isInFlight = false
        },
      }
    },
  }
}

const otherBulk = (key: string) =>
  new LabError('LAB_KEY_REUSED', `Idempotency-Key '${key}' stands for another bulk`)

const orderIdOf = (key: string, at: number) => derivedId('bulk', key, String(at))

/** The same mix at the same place of every bulk: items in turn, quantities 1 to 5. Only ids and times differ. */
function makeOrders(
  { item, quantity }: BulkRequest,
  { from, count, key }: { from: number; count: number; key: string | undefined },
): Order[] {
  const now = Date.now()
  return Array.from({ length: count }, (_, i) => {
    const command = {
      item: item ?? (ITEMS[(from + i) % ITEMS.length] as Item),
      quantity: quantity ?? ((from + i) % 5) + 1,
    }
    return placed(command, key === undefined ? newOrderId() : orderIdOf(key, from + i), now)
  })
}
