import type { Stock } from '@lab/common/domain/stock.ts'
import { call, type Service } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import type { KafkaProbe } from '@lab/lab/probes/kafka.ts'

interface LoggedEvent {
  id: string
  type: string
  data: { order_id: string; item: keyof Stock; quantity: number; status: string }
}

/** Every event a topic holds, repeats included; records that are no events are left out. */
export async function eventsIn(probe: KafkaProbe, topic: string): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = []
  for (const { value } of await probe.readAll(topic)) {
    try {
      const event = JSON.parse(value?.toString() ?? '')
      if (event?.data?.order_id) events.push(event)
    } catch {
      // Poison a test put there.
    }
  }
  return events
}

/** How often each order is in a topic. */
export async function countByOrder(probe: KafkaProbe, topic: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { data } of await eventsIn(probe, topic))
    counts.set(data.order_id, (counts.get(data.order_id) ?? 0) + 1)
  return counts
}

/** What the log says is left of a stock. */
export async function leftAfter(probe: KafkaProbe, initial: Stock): Promise<Stock> {
  const left = { ...initial }
  for (const { type, data } of await eventsIn(probe, 'inventory-events'))
    if (type === 'InventoryReserved') left[data.item] -= data.quantity
  return left
}

/** Waits until the log holds a decision for every order it holds; each of them exactly one. */
export async function allDecidedOnce(probe: KafkaProbe, timeoutMs = 40_000): Promise<string[]> {
  return waitFor(
    'a decision for every order in the log',
    async () => {
      const placed = await countByOrder(probe, 'order-events')
      const decided = await countByOrder(probe, 'inventory-events')
      const open = [...placed.keys()].filter((order_id) => !decided.has(order_id))
      if (open.length > 0) throw new Error(`${open.length} of ${placed.size} orders have no decision`)
      const twice = [...decided].filter(([, count]) => count > 1)
      if (twice.length > 0) throw new Error(`${twice.length} orders were decided more than once`)
      return [...placed.keys()]
    },
    { timeoutMs, everyMs: 500 },
  )
}

export const bulk = (order: Service, count: number) => call('POST', `${order.url}/orders/bulk`, { count })

export const metricsOf = async (analytics: Service) => (await call('GET', `${analytics.url}/metrics`)).json

/** Waits until analytics has counted this many orders and their decisions. */
export const counted = (analytics: Service, orders: number, timeoutMs = 40_000) =>
  waitFor(
    `analytics to have counted ${orders} orders and their decisions`,
    async () => {
      const metrics = await metricsOf(analytics)
      const { orders_total, reserved_total, failed_total, replay } = metrics
      if (orders_total === orders && reserved_total + failed_total === orders && !replay.replaying)
        return metrics
      throw new Error(`counted ${orders_total}, ${reserved_total} reserved, ${failed_total} failed`)
    },
    { timeoutMs, everyMs: 100 },
  )

export const readiness = (service: Service) => call('GET', `${service.url}/ready`)

export const isReady = (service: Service, timeoutMs = 30_000) =>
  waitFor(
    `${service.url} to be ready`,
    async () => {
      const { json } = await readiness(service)
      if (json.ready) return true
      throw new Error(JSON.stringify(json))
    },
    { timeoutMs, everyMs: 100 },
  )
