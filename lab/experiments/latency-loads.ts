import type { PartName } from '../stack/parts.ts'
import type { Measured } from './compare-latency.ts'
import { PARTS, STYLE } from './offered-load.ts'

export const LATENCIES = ['acceptance', 'completion'] as const
export type Latency = (typeof LATENCIES)[number]

/** One latency of one style at one rate, over all repetitions. */
export interface Asked {
  part: PartName
  rate: number
  latency: Latency
}

export type Load = Measured['loads'][number]

export const loadsOf = (measured: Measured[], { part, rate }: Pick<Asked, 'part' | 'rate'>): Load[] =>
  measured
    .filter((one) => one.part === part)
    .flatMap(({ loads }) => loads.filter((load) => load.rate === rate))

export const histogramsOf = (measured: Measured[], asked: Asked) =>
  loadsOf(measured, asked).map(({ result }) =>
    asked.latency === 'acceptance' ? result.response.ok : result.completion.reserved,
  )

/** What a chart shows of each style: the answer of part A is its completion, so one curve is both. */
export const CURVES: { part: PartName; latency: Latency; style: string; isBoth: boolean }[] = PARTS.flatMap(
  (part) =>
    LATENCIES.filter((latency) => part !== 'sync-rest' || latency === 'acceptance').map((latency) => ({
      part,
      latency,
      style: STYLE[part],
      isBoth: part === 'sync-rest',
    })),
)
