import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '@lab/kit/errors.ts'
import { pause, within } from '@lab/kit/wait.ts'
import { readProcess } from '../bench/process-figures.ts'
import type { LoadClock } from '../experiments/bench.ts'
import { atSeconds, timeChart } from '../experiments/curves.ts'
import {
  type Chart,
  type Check,
  check,
  type ExperimentContext,
  type Series,
  type Table,
} from '../experiments/experiment.ts'
import { repeated } from '../experiments/repeated.ts'
import { describeStatuses } from '../ledger/history.ts'
import { mostOrders, type Rate } from '../load/schedule.ts'
import type { Running, Setting, Wired } from '../part.ts'
import { STYLE, watchPart } from '../parts/index.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { type RunningTrio, stockFor, type TrioName } from '../trio.ts'
import { lossesOf, seconds } from './cell.ts'
import { ensureRunning, type Fault, type FaultBench, type FaultPlan, withBench } from './fault.ts'
import { type Injection, inject, MOST_PROBES } from './inject.ts'

type SoakRun = Awaited<ReturnType<typeof soak>>

const WARM_UP = 200
const CLIENT_TIMEOUT_MS = 8_000
const SAMPLE_EVERY_MS = 2_500
const SETTLE_MS = 180_000

type Context = ExperimentContext<unknown>

/** Steady load on one part for minutes, one random fault after the other, and one ledger over all of it. */
export async function soak(context: Context, name: TrioName, options: SoakOptions) {
  const { orders, rate: perSecond, seed, faults } = options
  const rate: Rate = { perSecond, seconds: Math.ceil(orders / perSecond) }
  // Faults come every ten seconds at the earliest, and each places orders of its own.
  const stock = stockFor(WARM_UP + mostOrders([rate]) + (orders / perSecond / 10) * MOST_PROBES)
  const start = startOf(faults, name)
  const setting = { part: name, start, stock, warmUpOrders: WARM_UP, seed, what: STYLE[name] }
  return withBench(context, setting, async (bench) => {
    let sent = 0
    const draining = new AbortController()
    const startedAt = performance.now()
    const { load, result } = await bench.offerWhile({
      rate,
      seed,
      keyPrefix: `soak-${seed}`,
      timeoutMs: CLIENT_TIMEOUT_MS,
      drainMs: 120_000,
      onSnapshot: (snapshot) => {
        sent = snapshot.counts.sent
        if (snapshot.is_draining) draining.abort()
      },
      // Faults and samples go on beside the load.
      beside: ({ now, signal, over }) =>
        Promise.all([
          injectOften({ ...bench, signal }, { ...options, now }),
          takeSamples(bench, {
            now: () => ({ atMs: now(), orders: sent }),
            over: AbortSignal.any([over, draining.signal]),
          }),
        ]),
    })
    const seconds = (performance.now() - startedAt) / 1_000
    const [injections, samples] = result
    bench.progress('coming to rest, then the ledger')
    return {
      part: name,
      load,
      injections,
      samples,
      seconds,
      ledger: await bench.ledger({ settleMs: SETTLE_MS }),
    }
  })
}

export interface SoakOptions {
  /** For each part. */
  orders: number
  /** Orders per second. */
  rate: number
  /** From the beginning of one fault to the beginning of the next: a seeded random time between the two. */
  everySeconds: [number, number]
  seed: number
  /** How many times its limit a recovery may take. */
  slack: number
  faults: Fault[]
}

interface SoakInjection extends Omit<Injection, 'hit'> {
  fault: string
  limitMs: number
  /** Why it could not be ended as it should. */
  error?: string
}

/** The last fault begins no later than this before the end of the load. */
const CALM_END_MS = 20_000
/** Longest stall in a soak: faults are to come every few seconds. */
const MOST_HOLD_MS = 8_000

/** All faults of a soak share the wire: any of them that has one opens it for all. */
const startOf = (faults: Fault[], name: TrioName): ((setting: Setting) => Promise<Wired>) | undefined =>
  soakable(faults, name).find(({ plan }) => plan.start)?.plan.start

function soakable(faults: Fault[], name: TrioName): { fault: string; plan: FaultPlan }[] {
  return faults.flatMap((fault) => {
    const plan = fault.parts[name]
    return typeof plan === 'object' && plan.soaks ? [{ fault: fault.name, plan }] : []
  })
}

/** One random fault after the other, for as long as the load goes on. */
async function injectOften(bench: FaultBench, options: SoakOptions & Pick<LoadClock, 'now'>) {
  const { orders, rate, everySeconds, faults, seed, slack, now } = options
  const { random, signal } = bench
  const choices = soakable(faults, bench.part.part)
  const lastMs = (orders / rate) * 1_000 - CALM_END_MS
  const gap = () => (everySeconds[0] + random() * (everySeconds[1] - everySeconds[0])) * 1_000
  const injections: SoakInjection[] = []
  for (let next = gap(); choices.length > 0 && next < lastMs; ) {
    await sleep(Math.max(0, next - now()), undefined, { signal })
    const { fault, plan } = choices[Math.floor(random() * choices.length)]!
    const progress = (text: string) =>
      bench.progress(`${Math.round(now() / 1_000)} s, fault ${injections.length + 1}, ${fault}: ${text}`)
    const limitMs = plan.limitMs * slack
    const acts = plan.on({ ...bench, progress })
    const begunMs = now()
    try {
      const holdMs = Math.min(plan.holdMs, MOST_HOLD_MS)
      const keyPrefix = `after-${seed}-${injections.length}`
      const seen = await inject({ ...bench, progress }, { ...plan, acts, holdMs, keyPrefix, now })
      injections.push({ fault, limitMs, ...seen })
    } catch (err) {
      signal.throwIfAborted()
      const error = messageOf(err)
      injections.push({ fault, limitMs, injectMs: begunMs, healMs: begunMs, recoveryMs: undefined, error })
      await revive(bench.part)
    } finally {
      await acts.close?.()
    }
    // A fault that took longer than the gap moves those that come after it.
    next = Math.max(begunMs + gap(), now() + 1_000)
  }
  return injections
}

/** After a fault that ended badly: the soak goes on with everything running, and says so. */
async function revive({ services, rabbit, kafka }: RunningTrio): Promise<void> {
  await ensureRunning(rabbit ?? kafka)
  for (const service of services) {
    service.resume()
    if (service.pid === undefined) await service.start()
  }
}

/** What a part occupied at one moment. */
export interface Sample {
  /** Milliseconds since the load began. */
  atMs: number
  /** Orders the generator had sent by then. */
  orders: number
  /** By service; absent while it does not run, and where there is no /proc. */
  rssBytes: Record<string, number>
  handles: Record<string, number>
  /** Messages or orders that wait; absent while nobody answers. */
  waiting?: number
  /** All files below the data folder; absent without one. */
  storeBytes?: number
}

interface Sampling {
  /** Milliseconds since the load began, and the orders sent so far. */
  now: () => { atMs: number; orders: number }
  /** Ends the samples. */
  over: AbortSignal
}

const LOOK_WITHIN_MS = 4_000

async function takeSamples({ part, client }: FaultBench, { now, over }: Sampling): Promise<Sample[]> {
  const samples: Sample[] = []
  while (!over.aborted) {
    // While a broker or a service is away, nobody can say what waits: the sample then has no such figure.
    const waiting = await within(
      waitingIn({ part, client, signal: over }),
      LOOK_WITHIN_MS,
      'the backlog',
    ).catch(() => undefined)
    const storeBytes = part.dataDir === undefined ? 0 : bytesBelow(part.dataDir)
    samples.push({
      ...now(),
      ...processesOf(part),
      ...(waiting !== undefined && { waiting }),
      ...(storeBytes > 0 && { storeBytes }),
    })
    await pause(SAMPLE_EVERY_MS, over)
  }
  return samples
}

function processesOf({ services }: RunningTrio): Pick<Sample, 'rssBytes' | 'handles'> {
  const figures: Pick<Sample, 'rssBytes' | 'handles'> = { rssBytes: {}, handles: {} }
  for (const { name, pid } of services) {
    const process = readProcess(pid)
    const handles = handlesOf(pid)
    // One that has ended, and whose end nobody has noted yet, has no memory any more.
    if (process && !Number.isNaN(process.rssBytes)) figures.rssBytes[name] = process.rssBytes
    if (handles !== undefined) figures.handles[name] = handles
  }
  return figures
}

function handlesOf(pid: number | undefined): number | undefined {
  try {
    return pid === undefined ? undefined : readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return undefined // no /proc here, or the process is gone
  }
}

function bytesBelow(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => statSync(join(parentPath, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0)
}

/** Over connections of its own: a broker that was killed has broken all others. */
async function waitingIn(running: Running): Promise<number> {
  await using watch = await watchPart(running)
  return (await watch.backlog()).reduce((sum, { messages }) => sum + messages, 0)
}

/** A figure of a soak: medians of the first and of the last third of its samples. */
type Trend = ReturnType<typeof boundsOf>[number]

const MB = 1_048_576
const WARMING_UP = 0.1

/**
 * Whether what a part occupies has an end: the last third against the first, by medians, so that neither a fault nor a
 * collection of garbage decides. What grows with the orders by design (a store keeps them, part C's order list is in
 * memory) is held against the orders.
 */
export function boundsOf({ samples, ledger }: Pick<SoakRun, 'samples' | 'ledger'>) {
  const settled = samples.slice(Math.floor(samples.length * WARMING_UP))
  const third = Math.floor(settled.length / 3)
  const trend = (what: string, { of, limit, unit = '' }: Quantity) => {
    const first = median(settled.slice(0, third).flatMap((sample) => of(sample) ?? []))
    const last = median(settled.slice(-third).flatMap((sample) => of(sample) ?? []))
    return { what, unit, first, last, limit: limit(first), holds: last <= limit(first) }
  }
  const services = [...new Set(samples.flatMap(({ rssBytes }) => Object.keys(rssBytes)))]
  const grown = (first: number) => first * 1.5 + 32
  const left = ledger.backlog.reduce((sum, { messages }) => sum + messages, 0)
  return [
    ...services.map((name) =>
      trend(`memory of ${name}`, { of: megabytesOf(name), limit: grown, unit: ' MB' }),
    ),
    ...services.map((name) =>
      trend(`open handles of ${name}`, { of: ({ handles }) => handles[name], limit: grown }),
    ),
    trend('what waits', { of: ({ waiting }) => waiting, limit: (first) => first * 2 + 500 }),
    { what: 'what waits at rest', unit: '', first: 0, last: left, limit: 0, holds: left === 0 },
    // A store keeps every order, so it grows with them; each order must not cost more than those before it.
    ...(settled.some(storePerOrder)
      ? [trend('store for each order', { of: storePerOrder, limit: (first) => first * 1.2, unit: ' bytes' })]
      : []),
  ]
}

interface Quantity {
  /** Undefined where the sample does not know it. */
  of: (sample: Sample) => number | undefined
  /** What it may be in the last third, by what it was in the first. */
  limit: (first: number) => number
  unit?: string
}

const megabytesOf =
  (service: string) =>
  ({ rssBytes: { [service]: bytes } }: Sample) =>
    bytes === undefined ? undefined : bytes / MB

const storePerOrder = ({ storeBytes, orders }: Sample) =>
  storeBytes === undefined || orders === 0 ? undefined : storeBytes / orders

/** NaN of nothing: no bound holds for a figure that was never seen. */
const median = (values: number[]): number => repeated(values)?.median ?? Number.NaN

export const soakChecks = (run: SoakRun): Check[] => {
  const style = STYLE[run.part]
  const late = run.injections.filter(({ recoveryMs, limitMs }) => (recoveryMs ?? Infinity) > limitMs)
  const worst = run.injections.toSorted((a, b) => (b.recoveryMs ?? Infinity) - (a.recoveryMs ?? Infinity))[0]
  return [
    ledgerCheck(` (${style}): nothing is lost, doubled or stuck`, run.ledger),
    check(
      `${style}: works again in time after every fault`,
      run.injections.length > 0 && late.length === 0,
      `${run.injections.length} faults${worst ? `, the slowest return after ${worst.fault}: ${returnIn(worst)}` : ''}${late.length > 0 ? `; late: ${late.map((each) => `${each.fault} ${returnIn(each)}`).join(', ')}` : ''}`,
    ),
    ...boundsOf(run).map((trend) =>
      check(`${style}: ${trend.what} stays bounded`, trend.holds, inWords(trend)),
    ),
  ]
}

const returnIn = ({ recoveryMs, limitMs, error }: SoakInjection) =>
  error ?? `${recoveryMs === undefined ? 'never' : seconds(recoveryMs)} (limit ${seconds(limitMs)})`

const inWords = ({ first, last, limit, unit }: Trend) =>
  `median of the first third ${round(first)}${unit}, of the last third ${round(last)}${unit}, limit ${round(limit)}${unit}`

const round = (value: number) => (Number.isFinite(value) ? Math.round(value * 10) / 10 : 'n/a')

export const soakTables = (runs: SoakRun[]): Table[] => [ordersTable(runs), ...runs.map(injectionsTable)]

const ordersTable = (runs: SoakRun[]): Table => ({
  title: 'A soak under faults: every order held against the ledger',
  columns: ['style', 'orders', 'minutes', 'faults', 'clients heard', 'lost', 'doubled', 'stuck', 'ledger'],
  rows: runs.map(({ part, ledger, seconds: lasted, injections }) => {
    const { lost, doubled, stuck } = lossesOf(ledger)
    const { outcomes, intended } = ledger.totals
    const heard = Object.fromEntries(Object.entries(outcomes).filter(([, count]) => count > 0))
    const minutes = (lasted / 60).toFixed(1)
    const row = [STYLE[part], intended, minutes, injections.length, describeStatuses(heard)]
    return [...row, lost, doubled, stuck, ledger.verdict]
  }),
})

const injectionsTable = ({ part, injections }: SoakRun): Table => ({
  title: `Faults of the soak: ${STYLE[part]}`,
  columns: ['fault', 'times', 'recovery, median', 'recovery, longest', 'limit'],
  rows: [...Map.groupBy(injections, ({ fault }) => fault)]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([fault, group]) => {
      const took = group.map(({ recoveryMs = Infinity }) => recoveryMs).sort((a, b) => a - b)
      const at = (index: number) => (took[index] === Infinity ? 'never' : seconds(took[index]!))
      return [fault, group.length, at(took.length >> 1), at(took.length - 1), seconds(group[0]!.limitMs)]
    }),
})

export const soakCharts = (runs: SoakRun[]): Chart[] =>
  runs.flatMap(({ part, samples }) => {
    const services = [...new Set(samples.flatMap(({ rssBytes }) => Object.keys(rssBytes)))]
    // Where nothing answered, how many wait is not known, and a service that is down has no memory.
    const series = (name: string, of: Quantity['of']): Series => ({
      name,
      means: part,
      n: samples.filter((sample) => of(sample) !== undefined).length,
      points: samples.map((sample) => [atSeconds(sample.atMs), of(sample) ?? null]),
    })
    return [
      timeChart({
        title: `Memory of the services under faults: ${STYLE[part]}`,
        y: { label: 'resident memory', unit: 'MB' },
        series: services.map((name) => series(name, megabytesOf(name))),
      }),
      timeChart({
        title: `What waits under faults: ${STYLE[part]}`,
        y: { label: 'waiting', unit: 'orders' },
        series: [series('orders or messages', ({ waiting }) => waiting)],
      }),
    ]
  })
