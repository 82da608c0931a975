import type { Table } from '../experiments/experiment.ts'
import type { PartThroughput } from './throughput-results.ts'

const NOT_KNOWN = 'n/a'

/** Both segments beside each other, so that a part which slows down or grows shows it. */
export function throughputTables({ part, segments }: PartThroughput): Table[] {
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
        outcomes(segment),
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

const megabytes = (bytes: number | undefined) =>
  bytes === undefined ? NOT_KNOWN : Math.round(bytes / 1_048_576)

function outcomes({ statuses, unknown }: PartThroughput['segments'][number]): string {
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`)
  return [...answers, ...(unknown > 0 ? [`${unknown} unknown`] : [])].join(', ')
}

/** What the figures are figures of. */
export const describeLoad = ({ load, completion, warmup_orders }: PartThroughput): string =>
  [`load: ${load}; ${warmup_orders} orders to warm up are not counted`, `completed: ${completion}`].join('\n')
