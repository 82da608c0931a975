import type { Counts, Orders } from '../redis/orders.ts'
import { STATUSES } from '../redis/statuses.ts'

export interface StateQuery {
  include_completed: boolean
  limit: number
}

interface Cached<Value> {
  at: number
  value: Promise<Value>
}

const CACHE_MS = 5_000
const MOST_CACHED = 32

/** One answer for all who ask within five seconds, also while it is still being made; a failure is not kept. */
export function cached<Value>(now: () => number = performance.now.bind(performance)) {
  const known = new Map<string, Cached<Value>>()
  return async (key: string, make: () => Promise<Value>) => {
    let entry = known.get(key)
    if (entry === undefined || now() - entry.at >= CACHE_MS) {
      known.delete(key)
      if (known.size >= MOST_CACHED) known.delete(known.keys().next().value!)
      entry = { at: now(), value: make() }
      known.set(key, entry)
      entry.value.catch(() => known.delete(key))
    }
    return { value: await entry.value, ageSeconds: Math.floor((now() - entry.at) / 1_000) }
  }
}

/** The state of the whole, as JSON. */
export async function stateJson(orders: Orders, { include_completed, limit }: StateQuery): Promise<string> {
  const listed = STATUSES.filter((status) => include_completed || status !== 'delivered')
  const { counts, completedToday, lists, drivers } = await orders.state({ limit, listed })
  const byStatus = lists.map(([status, found]) => `"${status}":[${found.join(',')}]`)
  const active = drivers.map(({ order, phone, dispatchedAt }) => ({
    driver_name: order.driver_name,
    driver_phone: phone,
    order_id: order.id,
    status: order.status,
    dispatched_at: new Date(dispatchedAt).toISOString(),
  }))
  return `{"statistics":${JSON.stringify(statisticsOf(counts, completedToday))},"orders_by_status":{${byStatus.join(',')}},"active_drivers":${JSON.stringify(active)},"last_updated":"${new Date().toISOString()}"}`
}

export const statisticsOf = (counts: Counts, completedToday: number) => ({
  total_orders: Object.values(counts).reduce((sum, count) => sum + count, 0),
  active_deliveries: counts.dispatched + counts.in_transit,
  completed_today: completedToday,
  ...counts,
})
