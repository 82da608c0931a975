import { waitFor } from '@lab/kit/wait.ts'
import { z } from 'zod'
import type { ExperimentContext } from './experiment.ts'
import type { PartClient } from './part-client.ts'

/** What these experiments read of the JSON of analytics' `GET /metrics`. */
export const AnalyticsReport = z.object({
  orders_total: z.number(),
  reserved_total: z.number(),
  failed_total: z.number(),
  pending_total: z.number(),
  failure_rate: z.number(),
  orders_per_minute: z.number(),
  window: z.object({ orders: z.number() }),
  replay: z.object({ replaying: z.boolean(), processed: z.number(), remaining: z.number() }),
  projection_hash: z.string(),
})
export type AnalyticsReport = z.infer<typeof AnalyticsReport>

export const readAnalytics = async (client: PartClient): Promise<AnalyticsReport> =>
  AnalyticsReport.parse(await client.read('third', '/metrics'))

type Waiting = Pick<ExperimentContext<unknown>, 'progress' | 'signal'> & { timeoutMs: number }

/** Until analytics has counted `orders` orders, each with its decision, and is not replaying. */
export function untilCounted(client: PartClient, orders: number, waiting: Waiting): Promise<AnalyticsReport> {
  const { progress, signal, timeoutMs } = waiting
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
export const BulkResult = z.object({ accepted: z.number(), unknown: z.number(), seconds: z.number() })

export async function placeBulk(client: PartClient, count: number): Promise<z.infer<typeof BulkResult>> {
  // A busy machine produces some hundred orders a second.
  const timeoutMs = 60_000 + 5 * count
  return BulkResult.parse(await client.command('order', '/orders/bulk', { count }, { timeoutMs }))
}
