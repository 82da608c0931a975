import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@lab/kit/wait.ts'
import { isReserved } from '../ledger/observed.ts'
import { answered, orderIds, type Placed } from '../load/closed-loop.ts'
import type { Completion } from '../load/order-stream.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { openRabbitProbe, type RabbitProbe } from '../probes/rabbit.ts'
import { formatNumber, perSecond } from '../report/number.ts'
import { stockFor } from '../trio.ts'
import { answeredCheck, type Bench, openBench } from './bench.ts'
import {
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  says,
  type Table,
  tableOf,
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

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params, signal, progress } = context
  const count = params.steps.at(-1)!
  await using bench = await openBench(context, { stock: stockFor(count) })
  await using probe = await openRabbitProbe(bench.part.rabbit!)
  const { client, part } = bench
  const stream = await client.stream()

  await part.inventory.stop()
  const stoppedAt = performance.now()
  const { load, steps } = await placeInSteps(bench, probe, { ...params, stoppedAt })
  // The outage lasts as long as the experiment says: here the time itself is the parameter.
  const leftMs = () => params.outageSeconds * 1_000 - (performance.now() - stoppedAt)
  while (leftMs() > 0) {
    progress(`inventory is away for another ${Math.ceil(leftMs() / 1_000)} s; ${count} orders wait`)
    await sleep(Math.min(leftMs(), 250), undefined, { signal })
  }
  const shown = await probe.sampled(QUEUE)
  const whileAway = await client.orders()

  const restartedAt = performance.now()
  progress(`inventory restarts; ${count} orders wait for it`)
  await part.inventory.start()
  const completions = await stream.completed(orderIds(load), {
    passes: isReserved,
    what: 'reserved',
    timeoutMs: 60_000,
    onProgress: (done, of) => progress(`inventory is back: ${done} of ${of} orders reserved`),
  })
  const notified = async () => (await client.notifications()).length >= count
  await waitFor(`${count} notifications`, notified, { timeoutMs: 30_000, signal })
  const end = await probe.depth(QUEUE)

  const decided = whileAway.filter(({ status }) => status !== 'placed').length
  const drain = drainOf({ completions, restartedAt })
  const acknowledgedAt = answered(load).map(({ startedAt, latencyUs }) => startedAt + latencyUs / 1_000)
  const reservedAt = completions.flatMap(({ completedAt }) => completedAt ?? [])
  const curve = (name: string, times: number[]) => ({
    name,
    means: 'async-rabbitmq' as const,
    n: times.length,
    points: countUp(times.map((at) => (at - stoppedAt) / 1_000)),
    step: true,
  })
  return {
    checks: [
      answeredCheck('every order is answered 202 while inventory is away', load, [202]),
      check(
        `the queue grows to ${count}, one message an order`,
        steps.length === params.steps.length &&
          steps.every(({ acknowledged, depth }) => depth === acknowledged),
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
      ledgerCheck('', await bench.ledger()),
    ],
    tables: [
      tableOf('The queue while inventory is away', steps, [
        ['s after the stop', ({ atMs }) => seconds(atMs)],
        ['orders acknowledged', ({ acknowledged }) => acknowledged],
        ['messages in inventory_queue', ({ depth }) => depth],
      ]),
      tableOf(
        `Working off the backlog (restart ${seconds(restartedAt - stoppedAt)} s after the stop)`,
        [drain],
        [
          ['orders', () => completions.length],
          ['first reserved, ms after the restart', (one) => one?.first_reserved_after_ms ?? 'n/a'],
          ['last reserved, ms', (one) => one?.last_reserved_after_ms ?? 'n/a'],
          ['orders/s since the restart', (one) => one?.orders_per_second_since_restart ?? 'n/a'],
          [
            'orders/s from first to last',
            (one) => one?.orders_per_second_draining ?? 'n/a (one batch of events)',
          ],
        ],
      ),
      timestamps(load, completions, stoppedAt),
    ],
    charts: [
      // The distance between the curves is the backlog.
      {
        title: 'Orders while inventory is away, and after',
        x: { label: 'time since the stop', unit: 's', scale: 'linear' },
        y: { label: 'orders', unit: '', scale: 'linear' },
        series: [curve('acknowledged', acknowledgedAt), curve('reserved', reservedAt)],
        marks: [
          { x: 0, label: 'inventory stops' },
          { x: (restartedAt - stoppedAt) / 1_000, label: 'inventory restarts' },
        ],
      },
    ],
    says: says('async-rabbitmq', [
      [
        'an order',
        `accepted at once, done later: ${formatNumber(count)} waiting orders at ${perSecond(drain?.orders_per_second_since_restart ?? 0)}, start of the service included`,
      ],
      [
        'a slow or absent service',
        `every order is accepted; ${formatNumber(count)} wait in the queue for ${((restartedAt - stoppedAt) / 1_000).toFixed(0)} s`,
      ],
      [
        'failure, and return',
        `nothing is lost: the last is reserved ${formatNumber(drain?.last_reserved_after_ms ?? 0)} ms after the restart`,
      ],
    ]),
    data: {
      steps,
      outage_ms: Math.round(restartedAt - stoppedAt),
      depth_on_management_page: shown.ready,
      reconnects: stream.reconnects(),
      drain,
    },
  }
}

/** After each step the relay of the order service gets its time: the depth is compared once the broker has it all. */
async function placeInSteps(
  bench: Bench,
  probe: RabbitProbe,
  { steps: targets, stoppedAt }: Params & { stoppedAt: number },
) {
  const load: Placed[] = []
  /** The depth as the broker counts, right after so many orders were acknowledged. */
  const steps: { acknowledged: number; depth: number; atMs: number }[] = []
  for (const target of targets) {
    const before = orderIds(load).length
    load.push(...(await bench.place(target - before, { concurrency: 8 })))
    const acknowledged = orderIds(load).length
    let depth = -1
    await waitFor(
      `${QUEUE} to hold ${acknowledged} messages`,
      async () => {
        ;({ ready: depth } = await probe.depth(QUEUE))
        bench.progress(`inventory is away: ${acknowledged} orders acknowledged, ${depth} in ${QUEUE}`)
        return depth >= acknowledged
      },
      { everyMs: 20, signal: bench.signal },
    )
    steps.push({ acknowledged, depth, atMs: Math.round(performance.now() - stoppedAt) })
  }
  return { load, steps }
}

/** Events of the stream come in batches of 5 ms: below a few of those, a rate would be the rate of the batching. */
const MEASURABLE_MS = 25

/** Times are from the restart of the process: its own start-up is in them. */
export function drainOf({ completions, restartedAt }: { completions: Completion[]; restartedAt: number }) {
  const seen = completions.flatMap(({ completedAt }) => completedAt ?? []).sort((a, b) => a - b)
  const [first, last] = [seen[0], seen.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const span = last - first
  return {
    first_reserved_after_ms: Math.round(first - restartedAt),
    last_reserved_after_ms: Math.round(last - restartedAt),
    orders_per_second_since_restart: rateOf(seen.length, last - restartedAt),
    /** Between the first and the last one seen. Absent when they came in one batch of events. */
    ...(span >= MEASURABLE_MS && { orders_per_second_draining: rateOf(seen.length - 1, span) }),
  }
}

const rateOf = (count: number, ms: number) => Math.round(count / (ms / 1_000))

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
function timestamps(load: Placed[], completions: Completion[], stoppedAt: number): Table {
  const reservedAt = new Map(completions.map(({ order_id, completedAt }) => [order_id, completedAt]))
  const orders = answered(load).flatMap(({ order, startedAt, latencyUs }) => {
    if (!order) return []
    const at = reservedAt.get(order.order_id)
    const acknowledged = startedAt + latencyUs / 1_000 - stoppedAt
    // Without an event the moment is not known, only the fact.
    return { id: order.order_id, acknowledged, reserved: at === undefined ? undefined : at - stoppedAt }
  })
  const isCut = orders.length > SHOWN
  const shown = isCut ? [...orders.slice(0, SHOWN / 4), ...orders.slice(-SHOWN / 4)] : orders
  const remark = isCut ? ` (the first and last ${SHOWN / 4} of ${orders.length})` : ''
  return tableOf(`Each order${remark}, seconds after the stop`, shown, [
    ['order', ({ id }) => id],
    ['acknowledged s', ({ acknowledged }) => seconds(acknowledged)],
    ['reserved s', ({ reserved }) => (reserved === undefined ? 'not seen' : seconds(reserved))],
    [
      'waited s',
      ({ acknowledged, reserved }) => (reserved === undefined ? 'n/a' : seconds(reserved - acknowledged)),
    ],
  ])
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(2)
