import type { Order } from '@lab/common/domain/order.ts'
import type { TcpProxy } from '@lab/stack/tcp-proxy.ts'
import type { ExperimentContext, Table } from './experiments/experiment.ts'
import type { Observed, Promises } from './ledger/observed.ts'
import type { PartClient } from './parts/client.ts'
import type { RunningTrio, StartTrioOptions } from './trio.ts'

/** What a transport is to the bench. Each trio has one driver in `parts/`, and all that differs between them is there. */
export interface PartDriver {
  /** A short name, for curves and columns. */
  style: string
  /** What the ledger may hold against it. */
  promises: Promises
  /** An order is complete with its answer, or when `GET /orders/stream` shows a terminal status. */
  completes: 'response' | 'stream'
  /** The part from behind, over connections of its own. */
  watch: (running: Running) => Promise<PartWatch>
  /** To be opened before the order is placed: a message that has been consumed is nowhere to be read in part B. */
  repeater: (running: Running) => Promise<Repeater>
  /** Where messages go in and dead letters come out; undefined where messages are requests. */
  poison?: Poison
  /** Starts the part with a proxy where it depends on somebody. The lab itself goes past it. */
  wire: (setting: Setting) => Promise<Wired>
  /** Every decision that inventory announces from now on; undefined where it has one address, and so one instance. */
  decisions?: (part: RunningTrio, signal: AbortSignal) => Promise<DecisionWatch>
  faults: FaultTimes
}

export interface Running {
  part: RunningTrio
  client: PartClient
  signal: AbortSignal
}

export interface PartWatch extends AsyncDisposable {
  /** What `waiting` counts, e.g. `messages in inventory_queue`. */
  counts: string
  /** How many orders wait for inventory at this moment, as the service or the broker counts. */
  waiting: () => Promise<number>
  /** How many wait anywhere. */
  backlog: () => Promise<NonNullable<Observed['backlog']>>
  /** Resolves when nothing moves any more; rejects when that takes longer than `timeoutMs`. */
  settled: (timeoutMs: number) => Promise<void>
  /** What this style promises as it runs now: read from the broker where the broker knows it. */
  card: () => Promise<Guarantees>
  /** What only a broker can tell the ledger; to be called when nothing moves any more. */
  sources: () => Promise<Pick<Observed, 'deadLetters' | 'backlog' | 'decisions'>>
}

/** Makes inventory hear of an order again, as it would after a lost acknowledgement. */
export interface Repeater extends AsyncDisposable {
  /** How, in the words of the transport. */
  how: string
  /** Hands over what announced the order `copies` times more; resolves when the transport has taken all of them. */
  repeat: (order: Order, copies: number) => Promise<void>
}

export interface Poison {
  /** Queues or topics that consumers of orders read. */
  places: string[]
  put: (part: RunningTrio, place: string, bodies: string[]) => Promise<void>
  deadLetters: (part: RunningTrio, signal: AbortSignal) => Promise<number>
}

export interface DecisionWatch {
  /** Of which order, and what tells one decision from the same one announced again. */
  seen: () => Promise<{ order_id: string; identity: string }[]>
  close: () => Promise<void>
}

export type Setting = Pick<ExperimentContext<unknown>, 'server' | 'signal'>

export interface Wired {
  options: Partial<StartTrioOptions>
  /** The proxy between the services and what they depend on. */
  wire?: TcpProxy
  /** The part as the lab sees it, past the proxy. */
  direct?: (part: RunningTrio) => RunningTrio
  close: () => Promise<void>
}

/** What is asked for cannot be done here; the message says why. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable'
}

/** How long faults last and how long a return from them may take, in milliseconds. */
export interface FaultTimes {
  /** Until an order is done after a service was killed or stalled. */
  serviceMs: number
  /** The same for what waited for a stalled service all the time, and has to be worked off first. */
  stalledMs: number
  /** The same for a broken broker, or the wire to it: everything has to connect anew. */
  brokerMs: number
  /** A process stands still for longer than whatever watches over it. */
  stallMs: number
  /** A connection is silent for longer than whatever watches over it. */
  silentMs: number
}

/** What stands behind a figure. Two figures are compared only beside their guarantees. */
export interface Guarantees {
  'accepted means': string
  acknowledgements: string
  'publisher confirms': string
  prefetch: string
  batch: string
  durability: string
  partitions: string
}

/** For what a style does not have. */
export const NONE = '–'

export const storeOf = ({ dataDir }: Pick<RunningTrio, 'dataDir'>): string =>
  dataDir === undefined ? 'SQLite in memory: gone with its process' : 'SQLite file: survives SIGKILL'

/** One column for each style or setting that is compared. */
export function guaranteeCard(columns: { name: string; guarantees: Guarantees }[]): Table {
  const rows = Object.keys(columns[0]?.guarantees ?? {}) as (keyof Guarantees)[]
  return {
    title: 'Guarantee card',
    columns: ['', ...columns.map(({ name }) => name)],
    rows: rows.map((row) => [row, ...columns.map(({ guarantees }) => guarantees[row])]),
  }
}
