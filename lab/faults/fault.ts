import type { Stock } from '@lab/common/domain/stock.ts'
import type { TcpProxy } from '@lab/stack/tcp-proxy.ts'
import { type Bench, openBench } from '../experiments/bench.ts'
import type { ExperimentContext } from '../experiments/experiment.ts'
import type { AnomalyType } from '../ledger/anomaly.ts'
import { createRandom } from '../load/schedule.ts'
import type { FaultTimes, Setting, Wired } from '../part.ts'
import type { Role } from '../parts/client.ts'
import { drivers } from '../parts/index.ts'
import { brokerFor, type RunningTrio, TRIOS, type TrioName } from '../trio.ts'

export type FaultKind =
  | 'process'
  | 'broker'
  | 'network'
  | 'store'
  | 'clock'
  | 'messages'
  | 'instances'
  | 'topology'
  | 'crash point'

/** One way to break a part: for each a plan, or why it does not apply there. A crash point is a line of one part alone. */
export interface Fault {
  name: string
  kind: FaultKind
  /** What it is like, where the name does not say it. */
  means?: string
  parts: Partial<Record<TrioName, FaultPlan | string>>
}

export interface FaultPlan {
  /** From the end of the fault to the first completed order that was placed after it: no longer than this. */
  limitMs: number
  /** How long the damage lasts before it is healed. */
  holdMs: number
  /** How long the injecting itself can take: the load has to outlast it. */
  injectingMs?: number
  /** Instead of plenty of everything. */
  stock?: Partial<Stock>
  /** What the part has to be started with, and what has to be open before it. */
  start?: (setting: Setting) => Promise<Wired>
  /** The acts of one cell; what they share lives in their closure. */
  on: (bench: FaultBench) => Acts
  /** A loss that the design cannot avoid: the reason, and what of it the ledger may show. */
  loss?: { reason: string; anomalies: AnomalyType[] }
  /** Whether a soak may use it: it can inject any number of times, and needs no start of its own but the proxy. */
  soaks?: boolean
}

/** What a fault may reach. */
export interface FaultBench extends Bench {
  wire: TcpProxy | undefined
  /** Seeded: the same cell makes the same choices. */
  random: () => number
  /** How many dead letters without an order the fault put there. */
  planted: { deadLetters: number }
}

export interface Acts {
  /** After the warm-up, before the load: restarts a service with a hook, starts a second instance. */
  arm?: () => Promise<void>
  /** Does the damage while orders are in flight, and says what it hit. Throws `NotInjected` when there was nothing to hit. */
  inject: () => Promise<string>
  /** Ends it. What it does first is the end of the fault: starting a process, resuming it, healing the wire. */
  heal: () => Promise<void>
  /** What must not be, asked when nothing moves any more: each complaint is a broken guarantee. */
  complaints?: () => Promise<string[]>
  /** The part as it is afterwards, where another instance answers for a service now. */
  partAfter?: () => RunningTrio
  /** Ends what `arm` and `inject` began. Always called. */
  close?: () => Promise<void>
}

/** The fault met no order in flight, so it showed nothing. */
export class NotInjected extends Error {
  override readonly name = 'NotInjected'
}

/** Orders per second of a cell. */
export const RATE = 60

export const NO_BROKER = 'it has no broker'

/** The plan of every part, by its times; `but` says where it does not apply, and why. */
export const inParts = (
  planOf: (times: FaultTimes, part: TrioName) => FaultPlan,
  but: Partial<Record<TrioName, string>> = {},
): Fault['parts'] =>
  Object.fromEntries(TRIOS.map((part) => [part, but[part] ?? planOf(drivers[part].faults, part)]))

/** The services of every part, in words. */
export const ROLE_NAMES: Record<Role, string> = {
  order: 'the order service',
  inventory: 'inventory',
  third: 'notification or analytics',
}

export const ROLES = Object.keys(ROLE_NAMES) as Role[]

interface BenchOptions {
  part: TrioName
  /** Opens what the faults need between the part and its broker. */
  start: FaultPlan['start']
  stock: Stock
  warmUpOrders: number
  seed: number
  /** Names it in what is said meanwhile. */
  what: string
}

/** Gives `work` a fresh, durable and warm copy of a part to inject, and leaves a broker that runs, whatever happened. */
export async function withBench<Result>(
  context: ExperimentContext<unknown>,
  { part, start, stock, warmUpOrders, seed, what }: BenchOptions,
  work: (bench: FaultBench) => Promise<Result>,
): Promise<Result> {
  await ensureRunning(await brokerOf(context, part))
  const opened = new AsyncDisposableStack()
  try {
    const wired = await start?.(context)
    if (wired) opened.defer(wired.close)
    const { options, wire, direct } = wired ?? {}
    const bench = await openBench(context, { ...options, part, stock, durable: true, direct })
    opened.use(bench)
    await bench.warmUp(warmUpOrders, what)
    return await work({
      ...bench,
      wire,
      random: createRandom(seed),
      progress: (text) => context.progress(`${what}: ${text}`),
      planted: { deadLetters: 0 },
    })
  } finally {
    // What a fault has broken cannot be closed in order.
    await opened.disposeAsync().catch(() => {})
    if (!context.signal.aborted) await ensureRunning(await brokerOf(context, part))
  }
}

type Brokers = Pick<ExperimentContext<unknown>, 'server'>

export async function brokerOf(brokers: Brokers, part: TrioName) {
  const { rabbit, kafka } = await brokerFor(part, brokers)
  return rabbit ?? kafka
}

/** A fault that ended badly leaves a broker dead or stalled: it runs again after this. */
export async function ensureRunning(broker: Awaited<ReturnType<typeof brokerOf>>): Promise<void> {
  await broker?.control?.resume()
  await broker?.control?.start()
}
