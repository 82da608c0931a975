import { type Meter, serialized } from './meter.ts'
import { type FullOptions, LIMITS } from './options.ts'
import type { OrderFeed } from './order-feed.ts'
import { describeRate, parseRate } from './rate.ts'
import type { OpenLoopResult, Snapshot } from './result.ts'
import type { Run } from './run.ts'
import type { Plan } from './slots.ts'
import { judgeGenerator } from './verdict.ts'

export interface FinishedRun {
  options: FullOptions
  plan: Plan
  run: Run
  /** When the last slot was fired, when the run had drained. */
  sentAt: number
  endedAt: number
  wasAborted: boolean
  timeline: Snapshot[]
  generator: Omit<OpenLoopResult['generator'], 'lateness'>
  feed: OrderFeed | undefined
}

/** Makes the figures of a run, and judges whether they may be believed. */
export function summarizeRun(finished: FinishedRun): OpenLoopResult {
  const { options, plan, run, sentAt, wasAborted, timeline, feed } = finished
  const { meter } = run
  const measuredAt = run.startsAt + plan.warmUpSeconds * 1_000
  /** A plan that was kept lasts as long as it says; one that was not lasts longer, and that lowers its rates. */
  const secondsUntil = (at: number) =>
    Math.max(wasAborted ? 0 : plan.measuredSeconds, (at - measuredAt) / 1_000)
  const figures = {
    is_complete: !wasAborted,
    counts: meter.counts,
    offered_per_second: rate(meter.counts.offered, wasAborted ? secondsUntil(sentAt) : plan.measuredSeconds),
    achieved_per_second: rate(meter.counts.sent, secondsUntil(sentAt)),
    generator: { lateness: meter.lateness.toJSON(), ...finished.generator },
  }
  return {
    ...figures,
    seed: options.seed,
    phases: phasesOf(finished, meter),
    ok_per_second: rate(meter.counts.ok, secondsUntil(run.lastOkAt)),
    completed_per_second: rate(meter.counts.completed, secondsUntil(run.lastCompletedAt)),
    response: serialized(meter.response),
    service: serialized(meter.service),
    completion: serialized(meter.completion),
    not_completed: run.completions.awaitingMeasured(),
    stream_reconnects: feed?.reconnects() ?? 0,
    interval_ms: options.intervalMs,
    intervals: meter.intervals(options.intervalMs),
    timeline,
    verdict: judgeGenerator(figures, { ...LIMITS, ...options.limits }),
  }
}

function phasesOf(
  { options, plan, run, sentAt, endedAt }: FinishedRun,
  meter: Meter,
): OpenLoopResult['phases'] {
  const warmUp = {
    name: 'warm-up' as const,
    rate: options.warmUp ? describeRate(parseRate(options.warmUp)) : '',
    seconds: plan.warmUpSeconds,
    orders: run.warmUpSent,
  }
  return [
    ...(plan.warmUpSeconds > 0 ? [warmUp] : []),
    {
      name: 'measured',
      rate: describeRate(parseRate(options.rate)),
      seconds: plan.measuredSeconds,
      orders: meter.counts.sent,
    },
    { name: 'drain', seconds: (endedAt - sentAt) / 1_000, orders: 0 },
  ]
}

const rate = (count: number, seconds: number): number => (seconds <= 0 ? 0 : count / seconds)
