import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@lab/kit/wait.ts'
import {
  allAnswered,
  answered,
  closedLoop,
  countOutcomes,
  describeOutcomes,
  type LoadResult,
  orderIds,
  recordsOf,
} from '../load/closed-loop.ts'
import type { Completion, OrderStreamClient } from '../load/order-stream.ts'
import { openPartClient, type PartClient } from '../parts/client.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { openRabbitProbe, type RabbitProbe } from '../probes/rabbit.ts'
import { stockEnv, stockFor } from '../trio.ts'
import {
  type Chart,
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
} from './experiment.ts'

interface Params extends Record<string, unknown> {
  /** Orders placed so far, at each of which the depth of the queue is compared. */
  steps: number[]
  /** How long the inventory process stays away, from its stop to its restart. */
  outageSeconds: number
}

export const rabbitBacklog = defineExperiment<Params>({
  name: 'rabbit-backlog',
  part: 'async-rabbitmq',
  question:
    'What happens to orders while nobody is there to reserve them, and how fast are they worked off afterwards?',
  profiles: {
    quick: { steps: [5, 10, 15, 20], outageSeconds: 2 },
    default: { steps: [5, 10, 15, 20, 1_000], outageSeconds: 8 },
    full: { steps: [5, 10, 15, 20], outageSeconds: 60 },
  },
  run,
})

const QUEUE = 'inventory_queue'

/** The queue right after so many orders were acknowledged. */
interface Step {
  acknowledged: number
  /** As the broker counts at this moment. */
  depth: number
  /** Since inventory was stopped. */
  atMs: number
}

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const seen = await observe(context)
  const { steps, shown, reconnects, stoppedAt, restartedAt } = seen
  return {
    checks: checksOf(seen),
    tables: backlogTables(seen),
    charts: [backlogChart(seen)],
    data: {
      steps,
      outage_ms: Math.round(restartedAt - stoppedAt),
      depth_on_management_page: shown.ready,
      reconnects,
      drain: drainOf(seen),
    },
  }
}

type Seen = Awaited<ReturnType<typeof observe>>

async function observe(context: ExperimentContext<Params>) {
  const { params, signal, progress } = context
  const count = params.steps.at(-1)!
  const initial = stockFor(count)
  const part = await context.start({ env: stockEnv(initial) })
  await using client = openPartClient(part, signal)
  await using probe = await openRabbitProbe(part.rabbit!)
  const stream = await client.stream()

  await part.inventory.stop()
  const stoppedAt = performance.now()
  const { loads, steps } = await placeInSteps(client, probe, { ...context, stoppedAt })
  await restOfOutage(context, { stoppedAt, waiting: count })
  const shown = await probe.sampled(QUEUE)
  const whileAway = await client.orders()

  const restartedAt = performance.now()
  progress(`inventory restarts; ${count} orders wait for it`)
  await part.inventory.start()
  const completions = await allReserved(loads.flatMap(orderIds), stream, context)
  const notified = async () => (await client.notifications()).length >= count
  await waitFor(`${count} notifications`, notified, { timeoutMs: 30_000, signal })
  const end = await probe.depth(QUEUE)
  const ledger = await ledgerOf(part, { histories: loads.map(recordsOf), initial, signal })
  const load = merge(loads)
  const reconnects = stream.reconnects()
  return {
    params,
    load,
    steps,
    shown,
    whileAway,
    completions,
    reconnects,
    end,
    ledger: ledgerCheck('', ledger),
    stoppedAt,
    restartedAt,
  }
}

function allReserved(
  order_ids: string[],
  stream: OrderStreamClient,
  { progress }: ExperimentContext<Params>,
): Promise<Completion[]> {
  return stream.completed(order_ids, {
    passes: (status) => status === 'reserved',
    what: 'reserved',
    timeoutMs: 60_000,
    onProgress: (done, of) => progress(`inventory is back: ${done} of ${of} orders reserved`),
  })
}

function checksOf({ params, load, steps, shown, whileAway, completions, end, ledger }: Seen): Check[] {
  const count = params.steps.at(-1)!
  const counts = countOutcomes(load)
  const decided = whileAway.filter(({ status }) => status !== 'placed').length
  const growsByOne =
    steps.length === params.steps.length && steps.every(({ acknowledged, depth }) => depth === acknowledged)
  return [
    check(
      'every order is answered 202 while inventory is away',
      allAnswered(counts, [202], count),
      describeOutcomes(counts),
    ),
    check(
      `the queue grows to ${count}, one message an order`,
      growsByOne,
      `depth by the broker: ${steps.map(({ depth }) => depth).join(', ')}; the management page showed ${shown.ready} before the restart`,
    ),
    check(
      'nothing is decided while inventory is away',
      decided === 0 && whileAway.length === count,
      `${decided} of ${whileAway.length} decided`,
    ),
    check(
      'every order is reserved after the restart',
      completions.length === count,
      `${completions.length} of ${count} reserved`,
    ),
    check('the queue is empty again', end.ready === 0, `${end.ready} messages in ${QUEUE}`),
    ledger,
  ]
}

interface Placing extends ExperimentContext<Params> {
  stoppedAt: number
}

/** After each step the relay of the order service gets its time: the depth is compared once the broker has it all. */
async function placeInSteps(client: PartClient, probe: RabbitProbe, context: Placing) {
  const { params, signal, progress, stoppedAt } = context
  const loads: LoadResult[] = []
  const steps: Step[] = []
  let acknowledged = 0
  for (const target of params.steps) {
    loads.push(await closedLoop(client.place, { count: target - acknowledged, concurrency: 8, signal }))
    acknowledged = loads.reduce((sum, load) => sum + orderIds(load).length, 0)
    let depth = -1
    await waitFor(
      `${QUEUE} to hold ${acknowledged} messages`,
      async () => {
        ;({ ready: depth } = await probe.depth(QUEUE))
        progress(`inventory is away: ${acknowledged} orders acknowledged, ${depth} in ${QUEUE}`)
        return depth >= acknowledged
      },
      { timeoutMs: 15_000, everyMs: 20, signal },
    )
    steps.push({ acknowledged, depth, atMs: Math.round(performance.now() - stoppedAt) })
  }
  return { loads, steps }
}

/** The outage lasts as long as the experiment says: here the time itself is the parameter. */
async function restOfOutage(
  { params, signal, progress }: ExperimentContext<Params>,
  { stoppedAt, waiting }: { stoppedAt: number; waiting: number },
): Promise<void> {
  for (;;) {
    const left = params.outageSeconds * 1_000 - (performance.now() - stoppedAt)
    if (left <= 0) return
    progress(
      `inventory is away for another ${Math.ceil(left / 1_000)} of ${params.outageSeconds} s; ${waiting} orders wait`,
    )
    await sleep(Math.min(left, 250), undefined, { signal })
  }
}

const merge = (loads: LoadResult[]): LoadResult => ({
  attempts: loads.flatMap(({ attempts }) => attempts),
  elapsedMs: loads.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0),
})

interface Drained {
  completions: Completion[]
  stoppedAt: number
  restartedAt: number
}

interface Drain {
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

function backlogTables(drained: Drained & { steps: Step[]; load: LoadResult }): Table[] {
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
function backlogChart({ load, completions, stoppedAt, restartedAt }: Drained & { load: LoadResult }): Chart {
  const acknowledged = answered(load).map(({ startedAt, latencyUs }) => startedAt + latencyUs / 1_000)
  const reserved = completions.flatMap(({ completedAt }) => completedAt ?? [])
  const series = (name: string, times: number[]) => ({
    name,
    means: 'async-rabbitmq' as const,
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
