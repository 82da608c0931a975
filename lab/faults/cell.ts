import { setTimeout as sleep } from 'node:timers/promises'
import type { ExperimentContext } from '../experiments/experiment.ts'
import { type OfferedLoad, offer } from '../experiments/offered-load.ts'
import type { LedgerVerdict } from '../ledger/verdict.ts'
import { mostOrders, type Rate } from '../load/schedule.ts'
import { STYLE } from '../parts/index.ts'
import { ledgerOf } from '../parts/ledger.ts'
import { stockFor, type TrioName } from '../trio.ts'
import { type Acts, type Fault, type FaultBench, type FaultPlan, RATE } from './fault.ts'
import { type Injection, inject } from './inject.ts'
import { loadClock } from './load-clock.ts'
import { MOST_PROBES } from './recovery.ts'
import { withBench } from './with-bench.ts'

export interface Cell {
  fault: Fault
  part: TrioName
  plan: FaultPlan
  seed: number
}

/** Everything that one cell showed; `judge` says what it means. */
export interface CellRun extends Injection {
  ledger: LedgerVerdict
  load: OfferedLoad
  complaints: string[]
}

const WARM_UP = 30
/** The fault is injected at a seeded random moment within this window of the load. */
const INJECT_MS: [number, number] = [700, 1_700]
/** The load goes on this long after the end of the fault. */
const AFTER_MS = 2_500
const CLIENT_TIMEOUT_MS = 8_000
const SETTLE_MS = 60_000
/** What is lost for good never comes to rest. */
const SETTLE_LOSS_MS = 15_000

type Context = ExperimentContext<unknown>

/**
 * One fault on one part: a fresh durable copy, steady open-loop load, the fault at a seeded random moment, its end, the
 * first order done after it, and the ledger. Rejects when the cell could not be run to its end; nothing is left then.
 */
export async function runCell(context: Context, cell: Cell): Promise<CellRun> {
  const { plan, part, seed } = cell
  const lastsMs = INJECT_MS[1] + (plan.injectingMs ?? 0) + plan.holdMs + AFTER_MS
  const rate: Rate = { perSecond: RATE, seconds: Math.round(lastsMs / 100) / 10 }
  const initial = { ...stockFor(WARM_UP + MOST_PROBES + mostOrders([rate])), ...plan.stock }
  const setting = { part, start: plan.start, initial, warmUpOrders: WARM_UP, seed, what: labelOf(cell) }
  return withBench(context, setting, async (bench, warm) => {
    const acts = plan.on(bench)
    try {
      await acts.arm?.()
      const seen = await underLoad({ context, cell, bench, acts, rate })
      bench.progress('coming to rest, then the ledger')
      const ledger = await ledgerOf(acts.partAfter?.() ?? bench.part, {
        histories: [warm, seen.load.history, seen.recovery.records, bench.records],
        initial,
        settleMs: plan.loss ? SETTLE_LOSS_MS : SETTLE_MS,
        plantedDeadLetters: bench.planted.deadLetters,
        signal: context.signal,
      })
      return { ...seen, ledger, complaints: (await acts.complaints?.()) ?? [] }
    } finally {
      await acts.close?.().catch(() => {})
    }
  })
}

export const labelOf = ({ fault, part }: Pick<Cell, 'fault' | 'part'>) => `${fault.name} × ${STYLE[part]}`

interface Loaded {
  context: Context
  cell: Cell
  bench: FaultBench
  acts: Acts
  rate: Rate
}

/** Load and fault go on at the same time; when one fails, both end. */
async function underLoad({ context, cell, bench, acts, rate }: Loaded) {
  const failing = new AbortController()
  const signal = AbortSignal.any([context.signal, failing.signal])
  const clock = loadClock(signal)
  const what = labelOf(cell)
  try {
    const [load, moments] = await Promise.all([
      offer({ ...context, progress: () => {}, signal }, bench.part, {
        what,
        rate,
        seed: cell.seed,
        keyPrefix: `cell-${cell.seed}`,
        timeoutMs: CLIENT_TIMEOUT_MS,
        drainMs: 20_000,
        onSnapshot: clock.onSnapshot,
      }),
      breakAndHeal({ ...bench, signal }, { cell, acts, clock }),
    ])
    return { load, ...moments }
  } catch (err) {
    failing.abort(err)
    throw err
  }
}

interface Breaking {
  cell: Cell
  acts: Acts
  clock: ReturnType<typeof loadClock>
}

async function breakAndHeal(bench: FaultBench, { cell: { plan, seed }, acts, clock }: Breaking) {
  const { random, signal, progress } = bench
  const zero = await clock.zero
  const now = () => performance.now() - zero
  const [earliest, latest] = INJECT_MS
  const at = earliest + random() * (latest - earliest)
  // Times are parameters here: a fault is injected at a moment.
  await sleep(Math.max(0, at - now()), undefined, { signal })
  progress(`injecting after ${Math.round(now())} ms of load`)
  return inject(bench, { ...plan, acts, keyPrefix: `after-${seed}`, now })
}
