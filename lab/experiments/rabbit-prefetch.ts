import type { HistoryRecord } from '../ledger/history.ts'
import type { LedgerVerdict } from '../ledger/verdict.ts'
import { openRabbitProbe } from '../probes/rabbit.ts'
import { counted } from '../report/number.ts'
import { type Drained, drainWith } from './drain.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
} from './experiment.ts'
import { type Guarantees, guaranteeCard } from './guarantees.ts'
import { openPartClient } from './part-client.ts'
import { ledgerCheck, ledgerOf } from './part-ledger.ts'
import { openPartWatch } from './part-watch.ts'
import { type Repeated, remarkOn, repeated, rotated, spread } from './repeated.ts'
import { stockEnv, stockFor } from './stock-env.ts'

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
  await using watch = await openPartWatch({ part, client, signal })
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
  const guarantees = await watch.guarantees()
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
