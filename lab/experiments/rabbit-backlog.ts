import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@lab/common/testing/wait.ts'
import { closedLoop, countOutcomes, type LoadResult, orderIds } from '../load/closed-loop.ts'
import type { Completion, OrderStreamClient } from '../load/order-stream-client.ts'
import { openRabbitProbe, type RabbitProbe } from '../probes/rabbit.ts'
import { backlogChart, backlogTables, drainOf } from './backlog-report.ts'
import { type Check, check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'
import { ledgerBalances } from './ledger-check.ts'
import { allAnswered, describeOutcomes } from './outcomes.ts'
import { openPartClient, type PartClient } from './part-client.ts'
import { stockEnv, stockFor } from './stock-env.ts'

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
export interface Step {
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
  const ledger = await ledgerBalances(client, { loads, initial, notify: 'every' })
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
    ledger,
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
