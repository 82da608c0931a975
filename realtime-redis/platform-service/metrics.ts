import type { Metrics } from '@lab/kit/metrics.ts'
import { Counter, Gauge, Histogram } from '@prometheus-io/client'
import type { Changed, Counts } from '../redis/orders.ts'
import { EVENT_TYPES, type EventType, STATUSES } from '../redis/statuses.ts'

const SECONDS = [1, 5, 15, 60, 300, 600, 1_200, 1_800, 3_600, 7_200]

export type PlatformMetrics = ReturnType<typeof createPlatformMetrics>

/**
 * Beside what every service counts. No label is a name of somebody: figures of suppliers and drivers are in `GET /api/metrics`.
 * What is in Redis is the same at every instance; counters are of this instance alone.
 */
export function createPlatformMetrics(
  { registry, gauge }: Metrics,
  statistics: () => Promise<{ counts: Counts; completedToday: number }>,
) {
  const registers = [registry]
  new Gauge({
    name: 'pizza_orders',
    help: 'Orders by the status they are in',
    labelNames: ['status'],
    registers,
    async collect() {
      // Away is not 0: while Redis is, there are no such figures.
      const now = await statistics().catch(() => undefined)
      this.reset()
      if (now) for (const status of STATUSES) this.set({ status }, now.counts[status])
    },
  })
  new Gauge({
    name: 'pizza_completed_today',
    help: 'Orders delivered since the day began in TIME_ZONE',
    registers,
    async collect() {
      const now = await statistics().catch(() => undefined)
      if (now) this.set(now.completedToday)
    },
  })
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name, help, labelNames, registers })
  const events = counter('pizza_events_total', 'Events this instance brought about', ['event_type'])
  const refused = counter('pizza_transitions_refused_total', 'Changes that were not allowed', ['reason'])
  const cut = counter('pizza_sockets_cut_total', 'WebSockets closed to be opened again later', ['reason'])
  const caughtUp = counter('pizza_socket_events_caught_up_total', 'Events that WebSockets had missed and got')
  const resumed = counter('pizza_sockets_resumed_total', 'WebSockets that came back by their seq')
  const snapshots = counter('pizza_socket_snapshots_total', 'WebSockets that were sent all orders')
  const histogram = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Histogram({ name, help, labelNames, buckets: SECONDS, registers })
  const waited = histogram('pizza_status_duration_seconds', 'Time an order was in a status it has left', [
    'status',
  ])
  // What has not happened yet is 0, and its first time an increase.
  for (const event_type of EVENT_TYPES) events.inc({ event_type }, 0)
  for (const reason of ['unknown', 'illegal', 'missing']) refused.inc({ reason }, 0)
  for (const reason of ['too many', 'too slow', 'failed']) cut.inc({ reason }, 0)
  const driven = histogram('pizza_delivery_duration_seconds', 'Time from dispatch to delivery', [])

  return {
    gauge,
    created: () => events.inc({ event_type: 'order.created' }),
    changed(event: EventType, { from, waitedMs, drivenMs }: Changed) {
      events.inc({ event_type: event })
      waited.observe({ status: from }, waitedMs / 1_000)
      if (event === 'order.delivered') driven.observe(drivenMs / 1_000)
    },
    refused: (reason: 'unknown' | 'illegal' | 'missing') => refused.inc({ reason }),
    socketCut: (reason: 'too many' | 'too slow' | 'failed') => cut.inc({ reason }),
    caughtUp(events: number) {
      resumed.inc()
      caughtUp.inc(events)
    },
    snapshot: () => snapshots.inc(),
  }
}
