import { Histogram } from '../load/histogram.ts'
import { type Percentiles, percentilesOf } from '../load/latency.ts'
import type { OpenLoopResult } from '../load/open-loop/result.ts'
import type { PunctualLoad } from './offered-load.ts'

/** One rate, held for a while. Latencies are from the intended time, in microseconds; absent where samples are too few. */
export interface Step extends PunctualLoad {
  rate: number
  achieved_per_second: number
  acceptance: StepLatency
  completion: StepLatency
  not_accepted: number
  not_completed: number
  /** Whether the generator kept its schedule: if not, this step says nothing about the part. */
  is_valid: boolean
}

export interface StepLatency extends Percentiles {
  count: number
}

/** What gives way first when more is asked for. */
export type GaveWay =
  | 'the generator'
  | 'refusals'
  | 'acceptance latency'
  | 'completion latency: the backlog grows'

export interface Judged {
  /** The highest rate that is carried; null when not even the first one is. */
  knee: number | null
  /** The rate of the first step that is not carried, and why; null when every step is. */
  bends_at: number | null
  gaveWay: GaveWay | null
  /** Above these a p95 bends, in microseconds. */
  limits: Limits
}

interface Limits {
  acceptance: number
  completion: number
}

export function stepOf(rate: number, load: PunctualLoad): Step {
  const { result } = load
  const { counts, verdict, achieved_per_second, not_completed } = result
  return {
    ...load,
    rate,
    achieved_per_second,
    acceptance: latencyOf(result.response.ok),
    completion: latencyOf(result.completion.reserved),
    not_accepted: counts.sent - counts.ok,
    not_completed,
    is_valid: verdict.kept_up,
  }
}

function latencyOf(serialized: OpenLoopResult['response']['ok']): StepLatency {
  const histogram = Histogram.from(serialized)
  return {
    count: histogram.count,
    ...percentilesOf(histogram.count, (share) => histogram.nearestRank(share)!),
  }
}

/** What a step is held against. */
export interface Bend {
  /** A latency bends when its p95 is above this many times the median of the first step … */
  times: number
  /** … and above this: where a median is a millisecond or two, ten times it is noise of the machine. */
  atLeastMs: number
}

/**
 * The steps up to the first that is not carried. A step is carried when every order is accepted and completed and
 * neither latency bends. A step the generator could not offer is no knee of the part: it only ends what can be said.
 */
export function judgeSteps(steps: Step[], { times, atLeastMs }: Bend): Judged {
  const first = steps[0]
  const limits: Limits = {
    acceptance: Math.max((first?.acceptance.p50_us ?? 0) * times, atLeastMs * 1_000),
    completion: Math.max((first?.completion.p50_us ?? 0) * times, atLeastMs * 1_000),
  }
  let knee: number | null = null
  for (const step of steps) {
    const gaveWay = weaknessOf(step, limits)
    if (gaveWay) return { knee, bends_at: step.rate, gaveWay, limits }
    knee = step.rate
  }
  return { knee, bends_at: null, gaveWay: null, limits }
}

function weaknessOf(step: Step, limits: Limits): GaveWay | null {
  if (!step.is_valid) return 'the generator'
  if (step.not_accepted > 0) return 'refusals'
  if ((step.acceptance.p95_us ?? Infinity) > limits.acceptance) return 'acceptance latency'
  if (step.not_completed > 0 || (step.completion.p95_us ?? Infinity) > limits.completion) {
    return 'completion latency: the backlog grows'
  }
  return null
}
