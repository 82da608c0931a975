import type { Stock } from '@lab/common/domain/stock.ts'
import { z } from 'zod'
import type { PartClient } from '../../parts/client.ts'
import type { KafkaProbe } from '../../probes/kafka.ts'

const Counted = z.object({
  orders_total: z.int(),
  reserved_total: z.int(),
  failed_total: z.int(),
  poison: z.object({ skipped: z.int(), dead_lettered: z.int() }),
})

/** What records may change: the stock, the list of orders, and what analytics has counted. */
export interface TopicState {
  stock: Stock
  orders: Set<string>
  counted: z.infer<typeof Counted>
}

export async function readTopicState(client: PartClient): Promise<TopicState> {
  const orders = await client.orders()
  return {
    stock: await client.stock(),
    orders: new Set(orders.map(({ order_id }) => order_id)),
    counted: Counted.parse(await client.read('third', '/metrics')),
  }
}

const GROUPS = [
  ['inventory-group', 'order-events'],
  ['analytics-group', 'order-events'],
  ['analytics-group', 'inventory-events'],
] as const

/** Records that some consumer has not committed yet. */
export async function lagOf(probe: KafkaProbe): Promise<number> {
  const lags = await Promise.all(GROUPS.map(([group, topic]) => probe.lag(group, topic)))
  return lags.flat().reduce((sum, { lag }) => sum + lag, 0)
}
