import { isSupported } from '../load/histogram.ts'
import { milliseconds } from '../load/latency.ts'
import type { Measured, Params } from './compare-latency.ts'
import { merged } from './curves.ts'
import type { Table } from './experiment.ts'
import { type Asked, histogramsOf, LATENCIES, type Latency, loadsOf } from './latency-loads.ts'
import { PARTS, STYLE } from './offered-load.ts'
import { differ, type Repeated, repeated, spread } from './repeated.ts'

const SHARES = [0.5, 0.9, 0.95, 0.99]

/** Median and range over the repetitions of one percentile, in microseconds. */
function figureOf(measured: Measured[], asked: Asked, share: number): Repeated | undefined {
  return repeated(histogramsOf(measured, asked).map((histogram) => merged([histogram]).percentile(share)))
}

const rowsOf = (rates: number[]): Asked[] =>
  rates.flatMap((rate) => PARTS.flatMap((part) => LATENCIES.map((latency) => ({ part, rate, latency }))))

export function tableOf(measured: Measured[], { rates, repetitions, seconds, warmUpOrders }: Params): Table {
  const runs = repetitions === 1 ? 'one run, so no range' : `median of ${repetitions} runs (range)`
  return {
    title: `Latency from the intended time in ms, ${runs}; ${seconds} s a rate, after ${warmUpOrders} orders to warm up that are not in it`,
    columns: ['orders/s', 'style', 'latency', 'n', ...SHARES.map((share) => `p${share * 100} ms`)],
    rows: rowsOf(rates).map((asked) => [
      asked.rate,
      STYLE[asked.part],
      asked.latency,
      merged(histogramsOf(measured, asked)).count,
      ...SHARES.map((share) => cellOf(measured, asked, share)),
    ]),
  }
}

/** A percentile that single runs do not support is that of all runs together, and says so. */
function cellOf(measured: Measured[], asked: Asked, share: number): string {
  const figure = figureOf(measured, asked, share)
  if (figure) return spread(figure, milliseconds)
  const all = merged(histogramsOf(measured, asked))
  const us = all.percentile(share)
  return us === undefined ? `n/a (n=${all.count})` : `${milliseconds(us)} (all runs)`
}

/** What the generator offered, and what became of it. An order that was sent late counts its lateness. */
export const offersTable = (measured: Measured[], { rates, repetitions }: Params): Table => ({
  title: `Offered against achieved, orders of ${repetitions === 1 ? 'one run' : `${repetitions} runs together`}`,
  columns: ['orders/s', 'style', 'offered', 'dropped', 'sent', 'accepted', 'done', 'sent/s', 'tries'],
  rows: rates.flatMap((rate) =>
    PARTS.map((part) => {
      const loads = loadsOf(measured, { part, rate })
      const sum = (of: (load: (typeof loads)[number]) => number) =>
        loads.reduce((all, load) => all + of(load), 0)
      return [
        rate,
        STYLE[part],
        sum(({ result }) => result.counts.offered),
        sum(({ result }) => result.counts.dropped),
        sum(({ result }) => result.counts.sent),
        sum(({ result }) => result.counts.ok),
        sum(({ result }) => result.counts.completed),
        spread(repeated(loads.map(({ result }) => result.achieved_per_second)), (value) => value.toFixed(1)),
        sum(({ tries }) => tries),
      ]
    }),
  ),
})

export function readingOf(measured: Measured[], { rates, repetitions }: Params): string[] {
  const sentences = rates.flatMap((rate) =>
    LATENCIES.flatMap((latency) => compared(measured, rate, latency) ?? []),
  )
  const few = repetitions < 3 ? ['One run each cannot tell a difference between the styles from noise.'] : []
  return [...sentences, ...few, ...tailOf(measured, Math.max(...rates))]
}

/** The styles from the fastest to the slowest by their median, and whether the distance is more than noise. */
function compared(measured: Measured[], rate: number, latency: Latency): string | undefined {
  const ranked = PARTS.flatMap((part) => {
    const figure = figureOf(measured, { part, rate, latency }, 0.5)
    return figure ? [{ part, figure }] : []
  }).sort((a, b) => a.figure.median - b.figure.median)
  const [first, ...others] = ranked
  if (!first || others.length === 0) return undefined
  const verb = latency === 'acceptance' ? 'accepts' : 'is done with'
  const rest = others.map(({ part, figure }) => {
    const apart = differ(first.figure, figure)
    const remark = apart === false ? ', which is within the run-to-run range' : ''
    return `${STYLE[part]} in ${milliseconds(figure.median)} ms (${(figure.median / first.figure.median).toFixed(1)} times as long${remark})`
  })
  return `At ${rate} orders/s ${STYLE[first.part]} ${verb} half of the orders within ${milliseconds(first.figure.median)} ms, ${rest.join(', ')}.`
}

/** What an accepted order still has to wait for, where acceptance is not completion. */
function tailOf(measured: Measured[], rate: number): string[] {
  return PARTS.flatMap((part) => {
    const [accepted, completed] = LATENCIES.map((latency) =>
      merged(histogramsOf(measured, { part, rate, latency })),
    )
    const share = [0.99, 0.95, 0.9, 0.5].find((p) =>
      isSupported(Math.min(accepted!.count, completed!.count), p),
    )
    if (share === undefined) return []
    const [a, c] = [accepted!.percentile(share)!, completed!.percentile(share)!]
    const kind =
      part === 'sync-rest' ? 'the answer is the completion' : `it is done after ${milliseconds(c)} ms`
    return [
      `At ${rate} orders/s, p${share * 100} over all runs: ${STYLE[part]} answers after ${milliseconds(a)} ms; ${kind}.`,
    ]
  })
}

export function dataOf(measured: Measured[], { rates }: Params): Record<string, unknown> {
  const entry = ({ part, rate, latency }: Asked) => [
    `${part}_${latency}_at_${rate}`,
    Object.fromEntries(
      SHARES.map((share) => [`p${share * 100}_us`, figureOf(measured, { part, rate, latency }, share)]),
    ),
  ]
  return {
    ...Object.fromEntries(rowsOf(rates).map(entry)),
    histograms: rowsOf(rates).map((asked) => ({
      ...asked,
      us: merged(histogramsOf(measured, asked)).toJSON(),
    })),
    generator: measured.flatMap(({ part, repetition, loads }) =>
      loads.map(({ rate, tries, result }) => ({
        part,
        repetition,
        rate,
        tries,
        offered_per_second: result.offered_per_second,
        achieved_per_second: result.achieved_per_second,
        verdict: result.verdict,
      })),
    ),
  }
}
