import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { OpenLoopResult } from './result.ts'

type Gauge = Pick<OpenLoopResult['generator'], 'event_loop_delay_us' | 'event_loop_utilization'>

const RESOLUTION_MS = 10

/** Watches this process's own event loop: how late its timers are, and which share of the time it is busy. */
export function createLoopGauge(): { reset: () => void; read: () => Gauge; stop: () => void } {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  let since = performance.eventLoopUtilization()
  return {
    reset() {
      delay.reset()
      since = performance.eventLoopUtilization()
    },
    read: () => ({
      event_loop_delay_us: {
        mean: micros(delay.count === 0 ? 0 : delay.mean),
        p50: micros(delay.percentile(50)),
        p99: micros(delay.percentile(99)),
        max: micros(delay.max),
      },
      event_loop_utilization: performance.eventLoopUtilization(since).utilization,
    }),
    stop: () => void delay.disable(),
  }
}

/** Node records the whole time between two of its timers, in nanoseconds: what is over the resolution is the delay. */
const micros = (nanos: number): number => Math.max(0, Math.round(nanos / 1_000 - RESOLUTION_MS * 1_000))
