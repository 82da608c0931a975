import type { Item } from '@lab/common/domain/order.ts'

/** One open-loop run. Everything here travels to the generator's process as JSON. */
export interface OpenLoopOptions {
  /** The order service. */
  url: string
  /** Rate plan of the measured phase, e.g. `200/s for 30s`. It must have an end. */
  rate: string
  /** Rate plan of a phase before it, e.g. `100/s for 2s`: its orders are real and in the ledger, but in no figure. */
  warmUp?: string
  /** Same seed, same arrivals and same orders. */
  seed?: number
  /** What is ordered, in turn. */
  orders?: { item: Item; quantity: number }[]
  /** When an order is complete: with its response, or when `GET /orders/stream` shows a terminal status. */
  completion: 'response' | 'stream'
  /** Sends an `Idempotency-Key` with each order, so that the id of an order without an answer is known too. */
  keyPrefix?: string
  /** Connections to the order service; orders beyond it wait for one, and that wait is part of their latency. */
  connections?: number
  /** Above this many unanswered orders a slot is dropped and counted. */
  maxInFlight?: number
  /** An order without an answer for this long is `unknown`. */
  timeoutMs?: number
  /** How long completions are awaited after the last answer. */
  drainMs?: number
  /** Width of the time series and distance of the live snapshots. */
  intervalMs?: number
  /** Where the history of all orders is written as JSON lines; the file must not exist. */
  historyFile?: string
  /** Where a run becomes invalid; what is not given is `LIMITS`. */
  limits?: Partial<Limits>
}

export interface Limits {
  /** Slots dropped because too many orders were unanswered. The samples that are missing are the slowest ones. */
  droppedShare: number
  /** Sent per second of what was offered per second. */
  achievedShare: number
  /** How late the generator itself was, p99: time that its own process, not the service, added to latencies. */
  latenessP99Ms: number
  /** The generator's event loop delay, p99: answers are seen this much late. */
  eventLoopDelayP99Ms: number
}

/** A drop in a thousand already owns p99.9; 50 ms of lateness is far above a service's own latencies here. */
export const LIMITS: Limits = {
  droppedShare: 0.001,
  achievedShare: 0.98,
  latenessP99Ms: 50,
  eventLoopDelayP99Ms: 50,
}

const DEFAULTS = {
  seed: 1,
  orders: [
    { item: 'burger', quantity: 1 },
    { item: 'pizza', quantity: 1 },
    { item: 'salad', quantity: 1 },
  ] satisfies OpenLoopOptions['orders'],
  connections: 256,
  maxInFlight: 10_000,
  timeoutMs: 10_000,
  drainMs: 30_000,
  intervalMs: 250,
}

export type FullOptions = OpenLoopOptions & Required<Omit<OpenLoopOptions, OptionalKeys>>
type OptionalKeys = 'warmUp' | 'keyPrefix' | 'historyFile' | 'limits'

export const withDefaults = (options: OpenLoopOptions): FullOptions =>
  ({
    ...DEFAULTS,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  }) as FullOptions
