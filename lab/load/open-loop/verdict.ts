import { Histogram } from '../histogram.ts'
import { isSupported } from '../percentile.ts'
import type { Limits } from './options.ts'
import type { OpenLoopResult } from './result.ts'

type Figures = Pick<
  OpenLoopResult,
  'is_complete' | 'counts' | 'offered_per_second' | 'achieved_per_second' | 'generator'
>

/** Whether the generator offered what the plan says, when it says so. `Limits` documents each bound. */
export function judgeGenerator(figures: Figures, limits: Limits): OpenLoopResult['verdict'] {
  const { counts, offered_per_second: offered, achieved_per_second: achieved, generator } = figures
  const reasons: string[] = []
  if (!figures.is_complete) reasons.push('the run was stopped before its plan had ended')
  if (counts.sent === 0) reasons.push('no order was sent in the measured phase')

  if (counts.dropped > counts.offered * limits.droppedShare) {
    reasons.push(
      `${counts.dropped} of ${counts.offered} slots were dropped (${percent(counts.dropped / counts.offered)}, limit ${percent(limits.droppedShare)})`,
    )
  }
  if (achieved < offered * limits.achievedShare) {
    reasons.push(
      `${achieved.toFixed(1)} orders/s were sent where ${offered.toFixed(1)} were offered (limit ${percent(limits.achievedShare)})`,
    )
  }
  const late = upperEnd(Histogram.from(generator.lateness))
  if (late.ms > limits.latenessP99Ms) {
    reasons.push(
      `orders went out ${late.ms.toFixed(1)} ms late (${late.name}, limit ${limits.latenessP99Ms} ms)`,
    )
  }
  const delayMs = generator.event_loop_delay_us.p99 / 1_000
  if (delayMs > limits.eventLoopDelayP99Ms) {
    reasons.push(
      `the generator's event loop was ${delayMs.toFixed(1)} ms late (p99, limit ${limits.eventLoopDelayP99Ms} ms)`,
    )
  }
  return { kept_up: reasons.length === 0, reasons }
}

/** The p99, or the highest percentile a short run supports: one late order in twenty does not condemn it. */
function upperEnd(histogram: Histogram): { ms: number; name: string } {
  const p = [0.99, 0.9, 0.5].find((p) => isSupported(histogram.count, p))
  const us = (p === undefined ? histogram.max : histogram.percentile(p)) ?? 0
  return { ms: us / 1_000, name: p === undefined ? 'at most' : `p${p * 100}` }
}

const percent = (share: number) => `${(share * 100).toFixed(share < 0.01 ? 2 : 1)} %`
