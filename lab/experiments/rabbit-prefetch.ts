import { waitFor } from '@lab/kit/wait.ts'
import { isReserved } from '../ledger/observed.ts'
import { orderIds } from '../load/closed-loop.ts'
import { guaranteeCard } from '../part.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { openRabbitProbe, type RabbitProbe } from '../probes/rabbit.ts'
import { counted } from '../report/number.ts'
import { stockFor } from '../trio.ts'
import { type Bench, openBench } from './bench.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, tableOf } from './experiment.ts'
import { inTurns, remarkOn, repeated, runsOf, spread } from './repeated.ts'

interface Params extends Record<string, unknown> {
  prefetches: number[]
  /** Waiting when the drain begins. */
  backlog: number
  /** Orders that are done before, by each restarted consumer, and in no figure. */
  warmUpOrders: number
  repetitions: number
}

export const rabbitPrefetch = defineExperiment<Params>({
  name: 'rabbit-prefetch',
  part: 'async-rabbitmq',
  question:
    'How much faster is a backlog worked off when the consumer may hold more unacknowledged messages?',
  profiles: {
    quick: { prefetches: [1, 100], backlog: 200, warmUpOrders: 50, repetitions: 1 },
    default: { prefetches: [1, 10, 100, 300], backlog: 1_000, warmUpOrders: 200, repetitions: 3 },
    full: { prefetches: [1, 10, 100, 300, 1_000], backlog: 10_000, warmUpOrders: 1_000, repetitions: 5 },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params } = context
  const { prefetches, backlog, warmUpOrders, repetitions } = params
  const orders = (backlog + warmUpOrders) * prefetches.length * repetitions
  await using bench = await openBench(context, { durable: true, stock: stockFor(orders * 1.1) })
  await using probe = await openRabbitProbe(bench.part.rabbit!)
  const drains = await inTurns(prefetches, repetitions, (prefetch) =>
    drainWith(bench, probe, prefetch, params),
  )
  const settings = prefetches.map((prefetch) => {
    const own = drains.filter((drain) => drain.prefetch === prefetch)
    return {
      prefetch,
      backlogs: own.map((drain) => drain.backlog),
      unacked: own.map(({ unacked }) => unacked),
      rate: repeated(own.map(({ perSecond }) => perSecond))!,
    }
  })
  const card = await bench.watch.card()
  const first = settings[0]!
  const steps = settings.slice(1).map((setting, at) => {
    const before = settings[at]!
    const factor = setting.rate.median / before.rate.median
    return `from ${before.prefetch} to ${setting.prefetch} it is ${factor.toFixed(1)} times as high (${remarkOn(before.rate, setting.rate)})`
  })
  return {
    checks: [
      ...settings.map(({ prefetch, unacked }) =>
        check(
          `with prefetch ${prefetch} the broker hands out ${counted(Math.min(prefetch, backlog), 'message')} and waits`,
          unacked.every((seen) => seen === Math.min(prefetch, backlog)),
          `${unacked.join(', ')} unacknowledged while ${backlog} waited`,
        ),
      ),
      check(
        'every backlog is worked off',
        settings.every(({ backlogs }) => backlogs.every((done) => done === backlog)),
        settings.map(({ prefetch, backlogs }) => `prefetch ${prefetch}: ${backlogs.join(', ')}`).join('; '),
      ),
      ledgerCheck('', await bench.ledger()),
    ],
    tables: [
      // The card was read from the broker under the last setting; prefetch is what this experiment turns.
      guaranteeCard(
        prefetches.map((prefetch) => ({
          name: `prefetch ${prefetch}`,
          guarantees: { ...card, prefetch: String(prefetch) },
        })),
      ),
      tableOf(
        `Drain of ${backlog} orders, ${runsOf(repetitions)}; ${warmUpOrders} orders before each to warm up`,
        settings,
        [
          ['prefetch', ({ prefetch }) => prefetch],
          ['unacknowledged while held', ({ unacked }) => [...new Set(unacked)].join(', ')],
          ['drained orders/s', ({ rate }) => spread(rate, (value) => String(Math.round(value)))],
          [`times prefetch ${first.prefetch}`, ({ rate }) => (rate.median / first.rate.median).toFixed(1)],
        ],
      ),
    ],
    reading: [`The drain rate by prefetch: ${steps.join('; ')}.`],
    data: {
      settings: Object.fromEntries(
        settings.map(({ prefetch, rate, unacked }) => [
          `prefetch_${prefetch}`,
          { drained_per_second: rate, unacked_seen: unacked },
        ]),
      ),
    },
  }
}

const QUEUE = 'inventory_queue'
/** Longer than the experiment: what is delivered is held until the delay is cleared. */
const HOLD_SECONDS = 600
const CONCURRENCY = 64

/**
 * Restarts inventory with a prefetch, lets a backlog build up while it holds what it was given, then releases it. Nothing
 * but the drain is in the time: the process runs and is warm, and its consumer is attached.
 */
async function drainWith(bench: Bench, probe: RabbitProbe, prefetch: number, params: Params) {
  const { part, client, progress, signal } = bench
  const what = `prefetch ${prefetch}`
  await part.inventory.stop()
  await part.inventory.start({ env: { PREFETCH: String(prefetch) } })
  await bench.warmUp(params.warmUpOrders, what)

  const stream = await client.stream()
  await client.command('inventory', '/admin/delay', { seconds: HOLD_SECONDS })
  const ids = orderIds(await bench.place(params.backlog, { concurrency: CONCURRENCY }))
  const backlog = ids.length
  const ready = await heldBacklog(probe, backlog - Math.min(prefetch, backlog), signal)

  const releasedAt = performance.now()
  await client.clearFaults('inventory')
  const completions = await stream.completed(ids, {
    passes: isReserved,
    what: 'reserved',
    timeoutMs: 120_000,
    onProgress: (done, of) => progress(`${what}: ${done} of ${of} orders reserved`),
  })
  const last = Math.max(...completions.map(({ completedAt = Number.NaN }) => completedAt))
  await stream.close()
  await waitFor(`${QUEUE} to be empty`, async () => (await probe.depth(QUEUE)).ready === 0, { signal })
  return {
    prefetch,
    backlog,
    /** Messages the broker had given to the consumer and not yet back, while nothing was acknowledged. */
    unacked: backlog - ready,
    /** From the release of the held backlog until every order was reserved. */
    perSecond: (backlog * 1_000) / (last - releasedAt),
  }
}

/**
 * How many messages are ready once all of them are with the broker and it gives the consumer no more: exact, where the
 * management page only samples what is unacknowledged. The wait ends at `expected`, or when nothing has moved for a second.
 */
async function heldBacklog(probe: RabbitProbe, expected: number, signal: AbortSignal): Promise<number> {
  let ready = -1
  let since = performance.now()
  const isHeld = async () => {
    const { ready: now } = await probe.depth(QUEUE)
    if (now !== ready) since = performance.now()
    ready = now
    return ready === expected || performance.now() - since > 1_000
  }
  await waitFor(`${QUEUE} to hold the backlog`, isHeld, { everyMs: 20, timeoutMs: 60_000, signal })
  return ready
}
