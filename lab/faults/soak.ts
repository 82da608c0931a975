import type { ExperimentContext } from '../experiments/experiment.ts'
import { type OfferedLoad, offer } from '../experiments/offered-load.ts'
import type { LedgerVerdict } from '../ledger/verdict.ts'
import { mostOrders, type Rate } from '../load/schedule.ts'
import { STYLE } from '../parts/index.ts'
import { ledgerOf } from '../parts/ledger.ts'
import { stockFor, type TrioName } from '../trio.ts'
import type { FaultBench } from './fault.ts'
import { type LoadClock, loadClock } from './load-clock.ts'
import { MOST_PROBES } from './recovery.ts'
import { injectOften, type SoakInjection, type SoakOptions, startOf } from './soak-injections.ts'
import { type Sample, takeSamples } from './soak-samples.ts'
import { withBench } from './with-bench.ts'

export interface SoakRun {
  part: TrioName
  load: OfferedLoad
  injections: SoakInjection[]
  samples: Sample[]
  ledger: LedgerVerdict
  seconds: number
}

const WARM_UP = 200
const CLIENT_TIMEOUT_MS = 8_000
const SAMPLE_EVERY_MS = 2_500
const SETTLE_MS = 180_000

type Context = ExperimentContext<unknown>

/** Steady load on one part for minutes, one random fault after the other, and one ledger over all of it. */
export async function soak(context: Context, name: TrioName, options: SoakOptions): Promise<SoakRun> {
  const { orders, rate, seed } = options
  const plan: Rate = { perSecond: rate, seconds: Math.ceil(orders / rate) }
  // Faults come every ten seconds at the earliest, and each places orders of its own.
  const initial = stockFor(WARM_UP + mostOrders([plan]) + (orders / rate / 10) * MOST_PROBES)
  const start = startOf(options.faults, name)
  const setting = { part: name, start, initial, warmUpOrders: WARM_UP, seed, what: STYLE[name] }
  return withBench(context, setting, async (bench, warm) => {
    const seen = await underFaults(context, bench, { ...options, plan })
    bench.progress('coming to rest, then the ledger')
    const histories = [warm, seen.load.history, seen.records, bench.records]
    const { signal } = context
    const ledger = await ledgerOf(bench.part, { histories, initial, settleMs: SETTLE_MS, signal })
    return { part: name, ...seen, ledger }
  })
}

/** Load, faults and samples go on at the same time; when one fails, all end. */
async function underFaults(context: Context, bench: FaultBench, options: SoakOptions & { plan: Rate }) {
  const failing = new AbortController()
  const signal = AbortSignal.any([context.signal, failing.signal])
  const sent = { orders: 0 }
  const clock = loadClock(signal)
  const over = new AbortController()
  const startedAt = performance.now()
  try {
    const [load, hit, samples] = await Promise.all([
      offer({ ...context, progress: () => {}, signal }, bench.part, {
        what: STYLE[bench.part.part],
        rate: options.plan,
        seed: options.seed,
        keyPrefix: `soak-${options.seed}`,
        timeoutMs: CLIENT_TIMEOUT_MS,
        drainMs: 120_000,
        onSnapshot: (snapshot) => {
          sent.orders = snapshot.counts.sent
          if (snapshot.is_draining) over.abort()
          clock.onSnapshot(snapshot)
        },
      }).finally(() => over.abort()),
      injectOften({ ...bench, signal }, { ...options, clock }),
      sample(bench, { clock, sent, over: AbortSignal.any([signal, over.signal]) }),
    ])
    return { load, ...hit, samples, seconds: (performance.now() - startedAt) / 1_000 }
  } catch (err) {
    failing.abort(err)
    throw err
  }
}

async function sample(
  { part, client }: FaultBench,
  { clock, sent, over }: { clock: LoadClock; sent: { orders: number }; over: AbortSignal },
): Promise<Sample[]> {
  const zero = await clock.zero
  const now = () => ({ atMs: performance.now() - zero, orders: sent.orders })
  return takeSamples({ part, client, now, everyMs: SAMPLE_EVERY_MS, over })
}
