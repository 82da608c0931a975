import type { Metrics } from '@lab/kit/metrics.ts'
import { z } from 'zod'
import type { Analytics } from './analytics.ts'
import { failureRate } from './counts.ts'
import type { Poison } from './poison.ts'
import type { Projection } from './projection.ts'

const counts = { orders: z.int(), reserved: z.int(), failed: z.int() }

export const MetricsReport = z
  .object({
    orders_total: z.int().describe('Different orders in order-events'),
    reserved_total: z.int(),
    failed_total: z.int(),
    pending_total: z.int().describe('Orders that have no decision, as far as both topics have been read'),
    failure_rate: z.number().describe('Failed among the decided, 0 to 1'),
    orders_per_minute: z.int().describe('Orders placed in the 60 s that end now'),
    window: z
      .object({
        seconds: z.int(),
        from: z.number().nullable(),
        to: z.number().nullable(),
        ...counts,
        failure_rate: z.number(),
      })
      .describe('The 60 s of event time that end with the newest order'),
    minutes: z
      .array(z.object({ from: z.number(), ...counts }))
      .describe('The newest 60 minutes of event time'),
    duplicates_total: z.int().describe('Events that came again with an id that was counted'),
    poison: z.object({ skipped: z.int(), dead_lettered: z.int() }),
    replay: z.object({
      replaying: z.boolean(),
      from: z.array(z.object({ topic: z.string(), partition: z.int(), offset: z.int() })),
      processed: z.int().describe('Records read since then'),
      remaining: z.int().describe('Records left of those the log had then'),
    }),
    projection_hash: z.string().describe('The same for the same set of events'),
  })
  .meta({ id: 'MetricsReport' })
export type MetricsReport = z.infer<typeof MetricsReport>

export interface MetricsReportDeps {
  projection: Projection
  poison: Pick<Poison, 'counts'>
  analytics: Pick<Analytics, 'progress'>
}

export function metricsReport({ projection, poison, analytics }: MetricsReportDeps): MetricsReport {
  const { orders, reserved, failed } = projection.totals
  const window = projection.window()
  return {
    orders_total: orders,
    reserved_total: reserved,
    failed_total: failed,
    pending_total: projection.openOrders().undecided_orders,
    failure_rate: failureRate(projection.totals),
    orders_per_minute: projection.ordersPerMinute(),
    window,
    minutes: projection.minutes(),
    duplicates_total: projection.duplicates,
    poison: poison.counts(),
    replay: analytics.progress(),
    projection_hash: projection.hash(),
  }
}

/** The same numbers for a scraper. */
export function exposeProjection({ gauge }: Metrics, projection: Projection): void {
  gauge('analytics_orders', 'Different orders in order-events', () => projection.totals.orders)
  gauge('analytics_orders_reserved', 'Orders reserved', () => projection.totals.reserved)
  gauge('analytics_orders_failed', 'Orders failed', () => projection.totals.failed)
  gauge('analytics_failure_ratio', 'Failed among the decided', () => failureRate(projection.totals))
  gauge('analytics_orders_per_minute', 'Orders placed in the 60 s that end now', () =>
    projection.ordersPerMinute(),
  )
}
