import { type Item, Order as OrderSchema, type OrderStatus } from '@lab/common/domain/order.ts'
import { z } from 'zod'

/**
 * What an order became for the client that sent it. `ok`: any 2xx. `rejected`: 4xx, the service refused it. `failed`:
 * 5xx. `unknown`: no answer (time-out, broken connection); the order may exist or not, and is never counted as lost.
 */
export const ClientOutcome = z.enum(['ok', 'rejected', 'failed', 'unknown'])
export type ClientOutcome = z.infer<typeof ClientOutcome>

/** One intended order, as the client knows it once it stopped waiting. Orders that were never sent have no record. */
export interface HistoryRecord {
  /** Position in the plan of the run; names an order that has no id. */
  n: number
  outcome: ClientOutcome
  item: Item
  quantity: number
  /** HTTP status of the answer. */
  status?: number
  /** As answered, or as the idempotency key implies it. */
  order_id?: string
  /** The order's status as the answer told it. */
  told?: OrderStatus
  /** Ordering key: where order per key is promised, orders of one key are handled in the order they were sent. */
  key?: string
  idempotency_key?: string
  /** When the order was sent and when its outcome was known, milliseconds since the start of the run. */
  sent_ms?: number
  done_ms?: number
}

export const HISTORY_VERSION = 1

/** First line of a history file. */
export const HistoryHeader = z.object({ history: z.literal(HISTORY_VERSION) })

/** Last line of a history file that was written to its end. */
export const HistoryTrailer = z.object({ end: z.literal(true), records: z.int().min(0) })

const { item, quantity, status } = OrderSchema.shape

export const HistoryRecordSchema = z.object({
  n: z.int().min(0),
  outcome: ClientOutcome,
  item,
  quantity,
  status: z.int().optional(),
  order_id: z.string().min(1).optional(),
  told: status.optional(),
  key: z.string().optional(),
  idempotency_key: z.string().optional(),
  sent_ms: z.number().optional(),
  done_ms: z.number().optional(),
})
