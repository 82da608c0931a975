import { waitFor } from '@lab/kit/wait.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import type { LedgerVerdict } from '../ledger/verdict.ts'
import { closedLoop, orderIds, recordsOf } from '../load/closed-loop.ts'
import { type Guarantees, guaranteeCard } from '../part.ts'
import { openPartClient, type PartClient } from '../parts/client.ts'
import { watchPart } from '../parts/index.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { openRabbitProbe, type RabbitProbe } from '../probes/rabbit.ts'
import { counted } from '../report/number.ts'
import { type RunningTrio, stockEnv, stockFor } from '../trio.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
} from './experiment.ts'
import { warmUp } from './offered-load.ts'
import { type Repeated, remarkOn, repeated, rotated, spread } from './repeated.ts'

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

interface Setting {
  prefetch: number
  unacked: number[]
  drains: Drained[]
  rate: Repeated
}

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params } = context
  const { drains, ledger, guarantees } = await observe(context)
  const settings = params.prefetches.map((prefetch): Setting => {
    const own = drains.filter((drain) => drain.prefetch === prefetch)
    const rate = repeated(own.map(({ perSecond }) => perSecond))!
    return { prefetch, drains: own, unacked: own.map(({ unacked }) => unacked), rate }
  })
  return {
    checks: checksOf(settings, params, ledger),
    tables: [cardOf(settings, guarantees), tableOf(settings, params)],
    charts: [
      {
        title: 'Drain rate by prefetch (median of the runs)',
        x: { label: 'prefetch', unit: 'messages', scale: 'log' },
        y: { label: 'drain rate', unit: 'orders/s', scale: 'linear' },
        series: [
          {
            name: 'drain rate',
            means: 'async-rabbitmq',
            n: drains.length,
            points: settings.map(({ prefetch, rate }): [number, number] => [
              prefetch,
              Math.round(rate.median),
            ]),
          },
        ],
      },
    ],
    reading: readingOf(settings),
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

async function observe(context: ExperimentContext<Params>) {
  const { params, signal, progress } = context
  const { prefetches, backlog, warmUpOrders, repetitions } = params
  const initial = stockFor((backlog + warmUpOrders) * prefetches.length * repetitions * 1.1)
  const part = await context.start({ durable: true, env: stockEnv(initial) })
  await using client = openPartClient(part, signal)
  await using probe = await openRabbitProbe(part.rabbit!)
  await using watch = await watchPart({ part, client, signal })
  const drains: Drained[] = []
  const records: HistoryRecord[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const prefetch of rotated(prefetches, repetition)) {
      const bench = { part, client, probe, progress, signal }
      const { drained, records: own } = await drainWith(bench, { prefetch, orders: backlog, warmUpOrders })
      drains.push(drained)
      records.push(...own)
    }
  }
  const guarantees = await watch.card()
  const ledger = await ledgerOf(part, { histories: [records], initial, signal })
  return { drains, ledger, guarantees }
}

const checksOf = (settings: Setting[], { backlog }: Params, ledger: LedgerVerdict): Check[] => [
  ...settings.map(({ prefetch, unacked }) =>
    check(
      `with prefetch ${prefetch} the broker hands out ${counted(Math.min(prefetch, backlog), 'message')} and waits`,
      unacked.every((seen) => seen === Math.min(prefetch, backlog)),
      `${unacked.join(', ')} unacknowledged while ${backlog} waited`,
    ),
  ),
  check(
    'every backlog is worked off',
    settings.every(({ drains }) => drains.every((drain) => drain.backlog === backlog)),
    settings
      .map(({ prefetch, drains }) => `prefetch ${prefetch}: ${drains.map((each) => each.backlog).join(', ')}`)
      .join('; '),
  ),
  ledgerCheck('', ledger),
]

/** The card was read from the broker under the last setting; prefetch is what this experiment turns. */
const cardOf = (settings: Setting[], guarantees: Guarantees): Table =>
  guaranteeCard(
    settings.map(({ prefetch }) => ({
      name: `prefetch ${prefetch}`,
      guarantees: { ...guarantees, prefetch: String(prefetch) },
    })),
  )

function tableOf(settings: Setting[], { backlog, repetitions, warmUpOrders }: Params): Table {
  const first = settings[0]!.rate.median
  return {
    title: `Drain of ${backlog} orders, ${repetitions === 1 ? 'one run each' : `median of ${repetitions} runs (range)`}; ${warmUpOrders} orders before each to warm up`,
    columns: [
      'prefetch',
      'unacknowledged while held',
      'drained orders/s',
      `times prefetch ${settings[0]!.prefetch}`,
    ],
    rows: settings.map(({ prefetch, unacked, rate }) => [
      prefetch,
      [...new Set(unacked)].join(', '),
      spread(rate, (value) => String(Math.round(value))),
      (rate.median / first).toFixed(1),
    ]),
  }
}

function readingOf(settings: Setting[]): string[] {
  const steps = settings.slice(1).map((setting, at) => {
    const before = settings[at]!
    const factor = setting.rate.median / before.rate.median
    return `from ${before.prefetch} to ${setting.prefetch} it is ${factor.toFixed(1)} times as high (${remarkOn(before.rate, setting.rate)})`
  })
  const best = settings.toSorted((a, b) => b.rate.median - a.rate.median)[0]!
  return [
    `The drain rate by prefetch: ${steps.join('; ')}.`,
    `Highest was prefetch ${best.prefetch} with ${Math.round(best.rate.median)} orders/s.`,
  ]
}

const QUEUE = 'inventory_queue'
/** Longer than the experiment: what is delivered is held until the delay is cleared. */
const HOLD_SECONDS = 600
const CONCURRENCY = 64

interface DrainBench extends Pick<ExperimentContext<unknown>, 'progress' | 'signal'> {
  part: RunningTrio
  client: PartClient
  probe: RabbitProbe
}

interface Drained {
  prefetch: number
  backlog: number
  /** Messages the broker had given to the consumer and not yet back, while nothing was acknowledged. */
  unacked: number
  /** From the release of the held backlog until every order was reserved. */
  seconds: number
  perSecond: number
}

/**
 * Restarts inventory with a prefetch, lets a backlog build up while it holds what it was given, then releases it. Nothing
 * but the drain is in the time: the process runs and is warm, and its consumer is attached.
 */
async function drainWith(
  bench: DrainBench,
  { prefetch, orders, warmUpOrders }: { prefetch: number; orders: number; warmUpOrders: number },
): Promise<{ drained: Drained; records: HistoryRecord[] }> {
  const { part, client, probe, progress, signal } = bench
  const what = `prefetch ${prefetch}`
  await part.inventory.stop()
  await part.inventory.start({ env: { PREFETCH: String(prefetch) } })
  const warm = await warmUp(client, { ...bench, count: warmUpOrders, what })

  const stream = await client.stream()
  await client.command('inventory', '/admin/delay', { seconds: HOLD_SECONDS })
  const load = await closedLoop(client.place, { count: orders, concurrency: CONCURRENCY, signal })
  const ids = orderIds(load)
  const given = Math.min(prefetch, ids.length)
  const ready = await heldBacklog(bench, ids.length - given)

  const releasedAt = performance.now()
  await client.clearFaults('inventory')
  const completions = await stream.completed(ids, {
    passes: (status) => status === 'reserved',
    what: 'reserved',
    timeoutMs: 120_000,
    onProgress: (done, of) => progress(`${what}: ${done} of ${of} orders reserved`),
  })
  const last = Math.max(...completions.map(({ completedAt = Number.NaN }) => completedAt))
  await stream.close()
  await waitFor(`${QUEUE} to be empty`, async () => (await probe.depth(QUEUE)).ready === 0, { signal })
  const seconds = (last - releasedAt) / 1_000
  const drained = {
    prefetch,
    backlog: ids.length,
    unacked: ids.length - ready,
    seconds,
    perSecond: ids.length / seconds,
  }
  return { drained, records: [...warm, ...recordsOf(load)] }
}

/**
 * How many messages are ready once all of them are with the broker and it gives the consumer no more: exact, where the
 * management page only samples what is unacknowledged. The wait ends at `expected`, or when nothing has moved for a second.
 */
async function heldBacklog({ probe, signal }: DrainBench, expected: number): Promise<number> {
  let ready = -1
  let since = performance.now()
  await waitFor(
    `${QUEUE} to hold the backlog`,
    async () => {
      const { ready: now } = await probe.depth(QUEUE)
      if (now !== ready) since = performance.now()
      ready = now
      return ready === expected || performance.now() - since > 1_000
    },
    { everyMs: 20, timeoutMs: 60_000, signal },
  )
  return ready
}
