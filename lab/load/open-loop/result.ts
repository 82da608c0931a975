import type { SerializedHistogram } from '../histogram.ts'

/** What became of the slots of the measured phase. Figures of orders that ended differently are never mixed. */
export interface Counts {
  /** Slots that were due. */
  offered: number
  sent: number
  /** Slots given up because too many orders were unanswered. */
  dropped: number
  ok: number
  rejected: number
  failed: number
  unknown: number
  /** Orders seen `reserved` or `notified`. */
  completed: number
  /** Orders seen `failed`. */
  completed_failed: number
  /** Completions seen by asking after the stream had broken: their latency is an upper bound. */
  looked_up: number
}

/** A stretch of the measured phase: orders *intended* in it, whenever their answers came. */
export interface Interval extends Counts {
  /** Milliseconds since the start of the measured phase. */
  at_ms: number
  /** Latency from the intended time of orders answered `ok`. */
  response_ok: SerializedHistogram
  /** Latency from the intended time of orders seen reserved. */
  completion: SerializedHistogram
}

export type PhaseName = 'warm-up' | 'measured' | 'drain'

/** A live view, for progress and for what changes over time. */
export interface Snapshot {
  elapsed_ms: number
  phase: PhaseName
  /** Of the measured phase so far. */
  counts: Counts
  in_flight: number
  /** Accepted orders without a terminal status yet, as the client sees it. It is no queue depth. */
  awaiting_completion: number
}

export interface OpenLoopResult {
  /** False when the run was stopped before its plan had ended. */
  is_complete: boolean
  phases: { name: PhaseName; rate?: string; seconds: number; orders: number }[]
  seed: number
  counts: Counts
  /** Slots per second of the plan. */
  offered_per_second: number
  /** Orders the generator sent per second; less than offered when it fell behind. */
  achieved_per_second: number
  /** Orders answered `ok`, and seen reserved, per second until the last of them: what the services kept up with. */
  ok_per_second: number
  completed_per_second: number
  /** From the intended time: what somebody who wanted an order at that moment waited. */
  response: Record<'ok' | 'rejected' | 'failed' | 'unknown', SerializedHistogram>
  /** From the moment the order went out: what the service took, without the wait before. */
  service: Record<'ok' | 'rejected' | 'failed' | 'unknown', SerializedHistogram>
  /** From the intended time to the sight of a terminal status. */
  completion: Record<'reserved' | 'failed', SerializedHistogram>
  /** Orders of the measured phase that were accepted and showed no terminal status in time. */
  not_completed: number
  stream_reconnects: number
  generator: {
    /** From the intended time to the moment the generator acted on it. */
    lateness: SerializedHistogram
    event_loop_delay_us: { mean: number; p50: number; p99: number; max: number }
    event_loop_utilization: number
  }
  interval_ms: number
  intervals: Interval[]
  /** The live snapshots of the whole run, warm-up and drain included. */
  timeline: Snapshot[]
  /** Whether the generator kept its schedule. If not, no figure of this run may be published. */
  verdict: { kept_up: boolean; reasons: string[] }
}
