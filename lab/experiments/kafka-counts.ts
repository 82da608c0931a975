import { waitFor } from '@lab/kit/wait.ts'
import { z } from 'zod'
import type { PartClient } from '../parts/client.ts'
import { bulkRecords, INVENTORY_EVENTS, ORDER_EVENTS } from '../parts/streaming-kafka.ts'
import type { KafkaProbe, TopicRecord } from '../probes/kafka.ts'
import type { Bench } from './bench.ts'

const Event = z.object({
  id: z.string(),
  type: z.enum(['OrderPlaced', 'InventoryReserved', 'InventoryFailed']),
  subject: z.string(),
  data: z.object({ timestamp: z.number() }),
})
type Event = z.infer<typeof Event>

/** What the two topics say, counted without any service: every record read, every order counted once. */
export async function countTopics(probe: KafkaProbe, signal: AbortSignal) {
  const placed = (await probe.readAll(ORDER_EVENTS, { signal, timeoutMs: 60_000 })).map(parse)
  const decided = (await probe.readAll(INVENTORY_EVENTS, { signal, timeoutMs: 60_000 })).map(parse)
  return count(placed, decided)
}

/** An order is not placed later than the log got it, whatever it says itself. */
function parse({ value, timestamp }: TopicRecord): Event {
  const event = Event.parse(JSON.parse(String(value)))
  return { ...event, data: { timestamp: Math.min(event.data.timestamp, timestamp / 1_000) } }
}

/** An event that the log repeats has the id it had; another id, or another type, is another decision. */
export function count(placed: Event[], decided: Event[]) {
  const orders = new Map(placed.map(({ subject, data }) => [subject, data.timestamp]))
  const decisions = Map.groupBy(decided, ({ subject }) => subject)
  const ofType = (type: Event['type']) =>
    decisions.values().filter((events) => events.some((event) => event.type === type))
  const differs = (events: Event[]) => new Set(events.map(({ id, type }) => `${id} ${type}`)).size > 1
  const newest = Math.floor(orders.values().reduce((latest, at) => Math.max(latest, at), 0))
  return {
    records: placed.length + decided.length,
    orders: orders.size,
    reserved: [...ofType('InventoryReserved')].length,
    failed: [...ofType('InventoryFailed')].length,
    /** Orders with more than one decision event, or with decisions that differ. */
    decidedTwice: [...decisions.values().filter(differs)].length,
    /** Decisions about orders that `order-events` does not have. */
    phantoms: [...decisions.keys().filter((subject) => !orders.has(subject))].length,
    /** Orders placed in the 60 s of event time that end with the newest. */
    lastMinute: [...orders.values().filter((at) => Math.floor(at) > newest - 60)].length,
  }
}

/** What these experiments read of the JSON of analytics' `GET /metrics`. */
export const AnalyticsReport = z.object({
  orders_total: z.number(),
  reserved_total: z.number(),
  failed_total: z.number(),
  failure_rate: z.number(),
  window: z.object({ orders: z.number() }),
  replay: z.object({ replaying: z.boolean(), processed: z.number(), remaining: z.number() }),
  projection_hash: z.string(),
})
export type AnalyticsReport = z.infer<typeof AnalyticsReport>

export const readAnalytics = async (client: PartClient): Promise<AnalyticsReport> =>
  AnalyticsReport.parse(await client.read('third', '/metrics'))

/** Until analytics has counted `orders` orders, each with its decision, and is not replaying. */
export function untilCounted(
  { client, progress, signal }: Bench,
  orders: number,
  timeoutMs = 120_000,
): Promise<AnalyticsReport> {
  return waitFor(
    `analytics to count ${orders} orders and their decisions`,
    async () => {
      const report = await readAnalytics(client)
      const { orders_total, reserved_total, failed_total, replay } = report
      const decided = reserved_total + failed_total
      progress(
        `analytics: ${orders_total} of ${orders} orders, ${decided} decisions${replay.replaying ? `, replaying, ${replay.remaining} records to go` : ''}`,
      )
      return !replay.replaying && orders_total >= orders && decided >= orders && report
    },
    { timeoutMs, signal },
  )
}

/** Bulk answers once the log has acknowledged every order. */
const BulkResult = z.object({ accepted: z.number(), unknown: z.number(), seconds: z.number() })

/** Orders that take 1 to 5 of the items in turn. */
export async function placeBulk({ client, keep }: Bench, count: number): Promise<z.infer<typeof BulkResult>> {
  // A busy machine produces some hundred orders a second.
  const timeoutMs = 60_000 + 5 * count
  const bulk = BulkResult.parse(await client.command('order', '/orders/bulk', { count }, { timeoutMs }))
  keep(bulkRecords(bulk))
  return bulk
}
