import { describeOutcomes } from '../load/closed-loop.ts'
import type { Table } from '../run/schema.ts'
import { type Bench, BenchInvalid, megabytes, NOT_KNOWN } from './bench.ts'
import { type MeasuringOptions, type Segment, withMeasuredPart } from './measured-part.ts'

/** Orders per second accepted and completed, processor time per order and memory of every service. */
export const throughput: Bench = {
  parts: (options) =>
    options.parts.map((part) => ({
      part,
      title: `${part}: throughput`,
      async measure(progress) {
        const result = await measureThroughput({ ...options, part, progress })
        const { ledger, ...data } = result
        return {
          part,
          ledger,
          tables: throughputTables(result),
          lines: [
            `load: ${result.load}; ${result.warmup_orders} orders to warm up are not counted`,
            `completed: ${result.completion}`,
          ],
          short: `completed/s ${result.segments.map((one) => one.completed_per_second).join(', then ')}`,
          data,
        }
      },
    })),
}

/** Code and connections are cold, and Kafka's consumer groups have to join. */
const WARMUP_ORDERS = 2_000

/** Loads the part segment by segment, `orders` of each, and holds every order against the ledger. Closes what it opened. */
export const measureThroughput = (options: MeasuringOptions & { orders: number[] }) =>
  withMeasuredPart(options, async (part) => {
    const { load, completion } = part.drive
    const segments: Segment[] = []
    const ledgerOf = async () => {
      await part.segment(WARMUP_ORDERS, 'warming up')
      for (const orders of options.orders) segments.push(await part.segment(orders, `${orders} orders`))
      return part.ledger()
    }
    const ledger = await ledgerOf().catch((err: unknown) => {
      if (!(err instanceof BenchInvalid)) throw err
      return [err.message]
    })
    const valid = ledger.length === 0
    return { part: part.name, load, completion, warmup_orders: WARMUP_ORDERS, segments, valid, ledger }
  })

/** Both segments beside each other, so that a part which slows down or grows shows it. */
function throughputTables({ part, segments }: { part: string; segments: Segment[] }): Table[] {
  if (segments.length === 0) return []
  return [
    {
      title: `${part}: orders per second`,
      columns: ['orders', 'accepted/s', 'completed/s', 'accepted in s', 'completed in s', 'answers'],
      rows: segments.map((segment) => [
        segment.orders,
        segment.accepted_per_second,
        segment.completed_per_second,
        segment.accepted_seconds.toFixed(2),
        segment.completed_seconds.toFixed(2),
        describeOutcomes({ ...segment.statuses, ...(segment.unknown > 0 && { unknown: segment.unknown }) }),
      ]),
    },
    {
      title: `${part}: what it took`,
      columns: ['orders', 'process', 'µs CPU/order', 'MB at the end', 'MB at most'],
      rows: segments.flatMap(({ orders, processes }) =>
        processes.map(({ process, cpu_us_per_order, rss_bytes, peak_rss_bytes }) => [
          orders,
          process,
          cpu_us_per_order ?? NOT_KNOWN,
          megabytes(rss_bytes),
          megabytes(peak_rss_bytes),
        ]),
      ),
    },
  ]
}
