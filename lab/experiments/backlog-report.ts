import { answered, type LoadResult } from '../load/closed-loop.ts'
import type { Completion } from '../load/order-stream-client.ts'
import type { Chart, Table } from './experiment.ts'
import type { Step } from './rabbit-backlog.ts'

interface Drained {
  completions: Completion[]
  stoppedAt: number
  restartedAt: number
}

export interface Drain {
  /** From the restart of the process; its own start-up is in it. */
  first_reserved_after_ms?: number
  last_reserved_after_ms?: number
  /** From the restart to the last one, start-up included. */
  orders_per_second_since_restart?: number
  /** Between the first and the last one seen. Absent when they came in one batch of events. */
  orders_per_second_draining?: number
}

/** Events of the stream come in batches of 5 ms: below a few of those, a rate would be the rate of the batching. */
const MEASURABLE_MS = 25

export function drainOf({ completions, restartedAt }: Drained): Drain {
  const seen = completions.flatMap(({ completedAt }) => completedAt ?? []).sort((a, b) => a - b)
  const [first, last] = [seen[0], seen.at(-1)]
  if (first === undefined || last === undefined) return {}
  const span = last - first
  return {
    first_reserved_after_ms: Math.round(first - restartedAt),
    last_reserved_after_ms: Math.round(last - restartedAt),
    orders_per_second_since_restart: perSecond(seen.length, last - restartedAt),
    ...(span < MEASURABLE_MS ? {} : { orders_per_second_draining: perSecond(seen.length - 1, span) }),
  }
}

const perSecond = (count: number, ms: number) => Math.round(count / (ms / 1_000))

export function backlogTables(drained: Drained & { steps: Step[]; load: LoadResult }): Table[] {
  const { steps, completions, stoppedAt, restartedAt } = drained
  const drain = drainOf(drained)
  return [
    {
      title: 'The queue while inventory is away',
      columns: ['s after the stop', 'orders acknowledged', 'messages in inventory_queue'],
      rows: steps.map(({ atMs, acknowledged, depth }) => [seconds(atMs), acknowledged, depth]),
    },
    {
      title: `Working off the backlog (restart ${seconds(restartedAt - stoppedAt)} s after the stop)`,
      columns: [
        'orders',
        'first reserved, ms after the restart',
        'last reserved, ms',
        'orders/s since the restart',
        'orders/s from first to last',
      ],
      rows: [
        [
          completions.length,
          drain.first_reserved_after_ms ?? 'n/a',
          drain.last_reserved_after_ms ?? 'n/a',
          drain.orders_per_second_since_restart ?? 'n/a',
          drain.orders_per_second_draining ?? 'n/a (one batch of events)',
        ],
      ],
    },
    timestamps(drained),
  ]
}

/** How many orders were acknowledged, and how many reserved, over time; the distance between the curves is the backlog. */
export function backlogChart({
  load,
  completions,
  stoppedAt,
  restartedAt,
}: Drained & { load: LoadResult }): Chart {
  const acknowledged = answered(load).map(({ startedAt, latencyUs }) => startedAt + latencyUs / 1_000)
  const reserved = completions.flatMap(({ completedAt }) => completedAt ?? [])
  const series = (name: string, times: number[]) => ({
    name,
    n: times.length,
    points: countUp(times.map((at) => (at - stoppedAt) / 1_000)),
    step: true,
  })
  return {
    title: 'Orders while inventory is away, and after',
    x: { label: 'time since the stop', unit: 's', scale: 'linear' },
    y: { label: 'orders', unit: '', scale: 'linear' },
    series: [series('acknowledged', acknowledged), series('reserved', reserved)],
    marks: [
      { x: 0, label: 'inventory stops' },
      { x: (restartedAt - stoppedAt) / 1_000, label: 'inventory restarts' },
    ],
  }
}

const MOST_POINTS = 200

/** A running count over sorted times, thinned to what a chart can show; the last one is always there. */
function countUp(times: number[]): [number, number][] {
  const every = Math.ceil(times.length / MOST_POINTS)
  return times
    .toSorted((a, b) => a - b)
    .map((at, i): [number, number] => [at, i + 1])
    .filter(([, count]) => count % every === 0 || count === times.length)
}

const SHOWN = 20

/** When each order was acknowledged and reserved; of many, the ones at both ends. */
function timestamps({ load, completions, stoppedAt }: Drained & { load: LoadResult }): Table {
  const reservedAt = new Map(completions.map(({ order_id, completedAt }) => [order_id, completedAt]))
  const rows = answered(load).flatMap(({ order, startedAt, latencyUs }): (string | number)[][] => {
    if (!order) return []
    const acknowledged = startedAt + latencyUs / 1_000 - stoppedAt
    const reserved = reservedAt.get(order.order_id)
    // Without an event the moment is not known, only the fact.
    if (reserved === undefined) return [[order.order_id, seconds(acknowledged), 'not seen', 'n/a']]
    const at = reserved - stoppedAt
    return [[order.order_id, seconds(acknowledged), seconds(at), seconds(at - acknowledged)]]
  })
  const cut = rows.length > SHOWN ? [...rows.slice(0, SHOWN / 4), ...rows.slice(-SHOWN / 4)] : rows
  return {
    title: `Each order${cut.length < rows.length ? ` (the first and last ${SHOWN / 4} of ${rows.length})` : ''}, seconds after the stop`,
    columns: ['order', 'acknowledged s', 'reserved s', 'waited s'],
    rows: cut,
  }
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(2)
