import type { Segment } from '../throughput-results.ts'
import type { MeasuredPart } from './measured-part.ts'
import type { PartCeilings } from './results.ts'

/** Segments that are large enough for the kernel's clock of 10 ms, which at 100 µs an order is 1 % of 10,000 orders. */
const SEGMENT = 10_000
/** Filled in pieces that are done before the next begins: a million accepted at once would measure a backlog. */
const FILL = 50_000
const LARGEST_RISE = 0.1
const LARGEST_RSS_BYTES = 512 * 1_048_576

type Flatness = NonNullable<PartCeilings['flatness']>

/**
 * Processor time per order and memory, at the start and after `orders` orders. As many orders as a segment has go before
 * the first one: compiling is not what is asked for.
 */
export async function measureFlatness(part: MeasuredPart, orders: number): Promise<Flatness> {
  const segment = Math.max(1, Math.min(SEGMENT, Math.floor(orders / 4)))
  await part.segment(segment, 'flatness, warming up')
  const first = await part.segment(segment, 'flatness, first segment')
  for (let left = orders - 3 * segment; left > 0; left -= FILL)
    await part.segment(Math.min(FILL, left), `flatness, filling up, ${left} to go`)
  const last = await part.segment(segment, 'flatness, last segment')
  await part.audit()
  return { orders, segment, services: costs(first, last, part.load.name) }
}

export function costs(first: Segment, last: Segment, except: string): Flatness['services'] {
  return first.processes
    .filter(({ process }) => process !== except)
    .map(({ process, cpu_us_per_order: first_us, rss_bytes: first_rss_bytes }) => {
      const after = last.processes.find((one) => one.process === process)
      const last_us = after?.cpu_us_per_order
      if (first_us === undefined || last_us === undefined || first_us === 0) return { process }
      const { rss_bytes: last_rss_bytes, peak_rss_bytes } = after!
      const change = last_us / first_us - 1
      return {
        process,
        first_us,
        last_us,
        change,
        cost: change <= LARGEST_RISE ? ('met' as const) : ('missed' as const),
        first_rss_bytes,
        last_rss_bytes,
        peak_rss_bytes,
        memory: (peak_rss_bytes ?? 0) <= LARGEST_RSS_BYTES ? ('met' as const) : ('missed' as const),
      }
    })
}
