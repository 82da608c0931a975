import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadClock } from '../experiments/bench.ts'
import type { ExperimentContext } from '../experiments/experiment.ts'
import type { AnomalyType } from '../ledger/anomaly.ts'
import { type Answers, answersOf, type HistoryRecord, openHistoryFile } from '../ledger/history.ts'
import type { LedgerVerdict } from '../ledger/verdict.ts'
import { mostOrders, type Rate } from '../load/schedule.ts'
import { STYLE } from '../parts/index.ts'
import { stockFor, type TrioName } from '../trio.ts'
import {
  type Acts,
  type Fault,
  type FaultBench,
  type FaultKind,
  type FaultPlan,
  RATE,
  withBench,
} from './fault.ts'
import { inject, MOST_PROBES, patienceOf } from './inject.ts'

export interface Cell {
  fault: Fault
  part: TrioName
  plan: FaultPlan
  seed: number
}

/** Everything that one cell showed; `judge` says what it means. */
export type CellRun = Awaited<ReturnType<typeof runCell>>

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
export async function runCell(context: Context, cell: Cell) {
  const { plan, part, seed } = cell
  const lastsMs = INJECT_MS[1] + (plan.injectingMs ?? 0) + plan.holdMs + AFTER_MS
  const rate: Rate = { perSecond: RATE, seconds: Math.round(lastsMs / 100) / 10 }
  const stock = { ...stockFor(WARM_UP + MOST_PROBES + mostOrders([rate])), ...plan.stock }
  const setting = { part, start: plan.start, stock, warmUpOrders: WARM_UP, seed, what: labelOf(cell) }
  return withBench(context, setting, async (bench) => {
    const acts = plan.on(bench)
    try {
      await acts.arm?.()
      const { load, result } = await bench.offerWhile({
        rate,
        seed,
        keyPrefix: `cell-${seed}`,
        timeoutMs: CLIENT_TIMEOUT_MS,
        drainMs: 20_000,
        beside: ({ now, signal }) => breakAndHeal({ ...bench, signal }, { cell, acts, now }),
      })
      bench.progress('coming to rest, then the ledger')
      const ledger = await bench.ledger(
        {
          settleMs: plan.loss ? SETTLE_LOSS_MS : SETTLE_MS,
          plantedDeadLetters: bench.planted.deadLetters,
        },
        acts.partAfter?.(),
      )
      return { load, ...result, ledger, complaints: (await acts.complaints?.()) ?? [] }
    } finally {
      await acts.close?.().catch(() => {})
    }
  })
}

export const labelOf = ({ fault, part }: Pick<Cell, 'fault' | 'part'>) => `${fault.name} × ${STYLE[part]}`

async function breakAndHeal(
  bench: FaultBench,
  { cell: { plan, seed }, acts, now }: { cell: Cell; acts: Acts } & Pick<LoadClock, 'now'>,
) {
  const { random, signal, progress } = bench
  const [earliest, latest] = INJECT_MS
  const at = earliest + random() * (latest - earliest)
  // Times are parameters here: a fault is injected at a moment.
  await sleep(Math.max(0, at - now()), undefined, { signal })
  progress(`injecting after ${Math.round(now())} ms of load`)
  return inject(bench, { ...plan, acts, keyPrefix: `after-${seed}`, now })
}

/** `broken` is the one that is red: everything else is a result the guarantees foresee. */
export const RESULTS = ['held', 'known loss', 'not applicable', 'not run', 'BROKEN'] as const
export type CellVerdict = (typeof RESULTS)[number]

/** What the ledger counted, by what it means for an order. */
export interface Losses {
  lost: number
  doubled: number
  stuck: number
  /** Anomalies of any other kind. */
  other: number
}

export interface CellResult {
  fault: string
  kind: FaultKind
  /** What the fault is like, where its name does not say it. */
  means?: string
  part: TrioName
  verdict: CellVerdict
  /** Why, in one line: the reason, the loss, or what broke. */
  why: string
  seed?: number
  hit?: string
  /** How long the fault lasted. */
  fault_ms?: number
  /** From the end of the fault to the first completed order that was placed after it. */
  recovery_ms?: number
  limit_ms?: number
  /** Of the orders that clients placed while the fault lasted or the part recovered. */
  heard?: Answers
  losses?: Losses
  orders?: number
}

/** What a cell showed, held against what its plan promises. */
export async function judge(cell: Cell, run: CellRun): Promise<CellResult> {
  const { fault, part, plan, seed } = cell
  const { heard, inFlight } = await heardOf(run)
  const losses = lossesOf(run.ledger)
  const recovery_ms = run.recoveryMs
  const base = {
    fault: fault.name,
    kind: fault.kind,
    ...(fault.means !== undefined && { means: fault.means }),
    part,
    seed,
    hit: run.hit,
    fault_ms: run.healMs - run.injectMs,
    ...(recovery_ms !== undefined && { recovery_ms }),
    limit_ms: plan.limitMs,
    heard,
    losses,
    orders: run.ledger.totals.intended,
  }
  const broken = brokenIn(cell, run)
  if (broken.length > 0) return { ...base, verdict: 'BROKEN', why: broken.join('; ') }
  if (inFlight === 0) return { ...base, verdict: 'not run', why: 'no order was in flight while it lasted' }
  if (run.ledger.verdict !== 'balanced')
    return { ...base, verdict: 'known loss', why: `${plan.loss?.reason}: ${run.ledger.reasons.join('; ')}` }
  return { ...base, verdict: 'held', why: '' }
}

function brokenIn({ plan }: Cell, { recoveryMs, ledger, complaints }: CellRun): string[] {
  const late =
    recoveryMs === undefined
      ? [`no order placed after the fault was done within ${seconds(patienceOf(plan.limitMs))}`]
      : recoveryMs > plan.limitMs
        ? [`recovered after ${seconds(recoveryMs)}, limit ${seconds(plan.limitMs)}`]
        : []
  const unexplained = ledger.verdict === 'balanced' || isKnown(ledger, plan.loss?.anomalies ?? [])
  return [...complaints, ...(unexplained ? [] : [`${ledger.verdict}: ${ledger.reasons.join('; ')}`]), ...late]
}

/** A loss is known when everything the ledger found is of a kind that was announced. */
function isKnown({ verdict, anomalies, backlog }: LedgerVerdict, known: AnomalyType[]): boolean {
  if (verdict === 'incomplete' || known.length === 0) return false
  return (
    anomalies.every(({ type }) => known.includes(type)) && backlog.every(({ messages }) => messages === 0)
  )
}

const MEANS: Partial<Record<AnomalyType, keyof Losses>> = {
  lost: 'lost',
  'unknown to the service': 'lost',
  doubled: 'doubled',
  oversold: 'doubled',
  'notified twice': 'doubled',
  stuck: 'stuck',
}

export function lossesOf({ anomalies, backlog }: LedgerVerdict): Losses {
  const losses: Losses = { lost: 0, doubled: 0, stuck: 0, other: 0 }
  for (const { type, count } of anomalies) losses[MEANS[type] ?? 'other'] += count
  if (losses.stuck === 0) losses.stuck = backlog.reduce((sum, { messages }) => sum + messages, 0)
  return losses
}

async function heardOf({ load, injectMs, healMs, recoveryMs }: CellRun) {
  const until = healMs + (recoveryMs ?? Infinity)
  const concerned: HistoryRecord[] = []
  for await (const record of openHistoryFile(load.history).records) {
    const { sent_ms = 0, done_ms = Infinity } = record
    // Answered before it began, or sent after it was over: the fault did not concern this one.
    if (done_ms >= injectMs && sent_ms <= until) concerned.push(record)
  }
  const inFlight = concerned.filter(({ sent_ms = 0 }) => sent_ms <= healMs).length
  return { heard: answersOf(concerned), inFlight }
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`
