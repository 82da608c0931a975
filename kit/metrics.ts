import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { Outcome } from './outcome.ts'

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
]

export type Metrics = ReturnType<typeof createMetrics>

/** The counters every service keeps, in a registry of its own. An order id is never a label. */
export function createMetrics(service: string) {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  // Their names say what they are not; promtool finds nothing against the rest.
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  const registers = [registry]
  const http = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from request to response',
    labelNames: ['method', 'route', 'status_code'],
    buckets: SECONDS,
    registers,
  })
  const processed = new Histogram({
    name: 'lab_message_process_duration_seconds',
    help: 'Time a consumer spent on one batch of messages',
    labelNames: ['source'],
    buckets: SECONDS,
    registers,
  })
  const consumed = new Counter({
    name: 'lab_messages_consumed_total',
    help: 'Messages settled, by outcome: ack, duplicate, retry, dead-letter',
    labelNames: ['source', 'outcome'],
    registers,
  })
  const published = new Counter({
    name: 'lab_messages_published_total',
    help: 'Messages the broker confirmed',
    labelNames: ['destination'],
    registers,
  })
  const orders = new Counter({
    name: 'lab_orders_total',
    help: 'Orders by the status they reached',
    labelNames: ['status'],
    registers,
  })
  return {
    registry,
    http,
    /** `source` is a queue or a topic; `seconds` is the time the whole batch took. */
    messagesConsumed(source: string, outcomes: Outcome[], seconds: number) {
      processed.observe({ source }, seconds)
      // Added up first: an increment costs a microsecond, and a batch has up to thousands of messages.
      const counts = new Map<string, number>()
      for (const outcome of outcomes) {
        const label = labelOf(outcome)
        counts.set(label, (counts.get(label) ?? 0) + 1)
      }
      for (const [outcome, count] of counts) consumed.inc({ source, outcome }, count)
    },
    messagesPublished: (destination: string, count: number) => published.inc({ destination }, count),
    orderReached: (status: string, count = 1) => orders.inc({ status }, count),
    /** A number that goes both ways, read at each scrape. */
    gauge: (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      }),
  }
}

const labelOf = (outcome: Outcome) =>
  outcome.kind === 'ack' && outcome.duplicate ? 'duplicate' : outcome.kind
