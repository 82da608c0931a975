import type { SoakRun } from './soak.ts'
import type { Sample } from './soak-samples.ts'

/** A figure at the beginning and at the end of a soak. */
export interface Trend {
  what: string
  unit: string
  /** Medians of the first and of the last third of the samples; the first tenth is warming up and in neither. */
  first: number
  last: number
  limit: number
  holds: boolean
}

const MB = 1_048_576
const WARMING_UP = 0.1

/**
 * Whether what a part occupies has an end: the last third against the first, by medians, so that neither a fault nor a
 * collection of garbage decides. What grows with the orders by design (a store keeps them, part C's order list is in
 * memory) is held against the orders.
 */
export function boundsOf({ samples, ledger }: Pick<SoakRun, 'samples' | 'ledger'>): Trend[] {
  const settled = samples.slice(Math.floor(samples.length * WARMING_UP))
  const third = Math.floor(settled.length / 3)
  const medians = (value: (sample: Sample) => number | undefined) => ({
    first: median(settled.slice(0, third).flatMap((sample) => value(sample) ?? [])),
    last: median(settled.slice(-third).flatMap((sample) => value(sample) ?? [])),
  })
  const services = [...new Set(samples.flatMap(({ rssBytes }) => Object.keys(rssBytes)))]
  const memory = services.map((name) => {
    const trend = medians(({ rssBytes }) => megabytes(rssBytes[name]))
    return judged(`memory of ${name}`, ' MB', { ...trend, limit: trend.first * 1.5 + 32 })
  })
  const handles = services.map((name) => {
    const trend = medians((sample) => sample.handles[name])
    return judged(`open handles of ${name}`, '', { ...trend, limit: trend.first * 1.5 + 32 })
  })
  const waiting = medians((sample) => sample.waiting)
  const backlog = judged('what waits', '', { ...waiting, limit: waiting.first * 2 + 500 })
  const left = ledger.backlog.reduce((sum, { messages }) => sum + messages, 0)
  return [...memory, ...handles, backlog, atRest(left), ...storeOf(settled)]
}

const atRest = (left: number): Trend => judged('what waits at rest', '', { first: 0, last: left, limit: 0 })

/** A store keeps every order, so it grows with them; each order must not cost more than those before it. */
function storeOf(samples: Sample[]): Trend[] {
  const known = samples.filter(({ storeBytes, orders }) => storeBytes !== undefined && orders > 0)
  const third = Math.floor(known.length / 3)
  if (third === 0) return []
  const perOrder = (of: Sample[]) => median(of.map(({ storeBytes = 0, orders }) => storeBytes / orders))
  const [first, last] = [perOrder(known.slice(0, third)), perOrder(known.slice(-third))]
  return [judged('store for each order', ' bytes', { first, last, limit: first * 1.2 })]
}

const judged = (what: string, unit: string, trend: Pick<Trend, 'first' | 'last' | 'limit'>): Trend => ({
  what,
  unit,
  ...trend,
  holds: trend.last <= trend.limit,
})

const megabytes = (bytes: number | undefined) => (bytes === undefined ? undefined : bytes / MB)

/** NaN of nothing: no bound holds for a figure that was never seen. */
function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
