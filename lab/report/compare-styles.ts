import { z } from 'zod'
import { describeOutcomes } from '../load/closed-loop.ts'
import { milliseconds } from '../load/histogram.ts'
import type { Results, Table } from '../run/schema.ts'
import { TRIOS, type TrioName, trios } from '../trio.ts'
import { formatNumber } from './number.ts'

const NOT_ASKED = '–'
const UNREADABLE = 'see its table'

/**
 * The three styles beside each other, in the figures of this run. Only experiments that held speak here: a figure of a
 * broken one compares nothing. Undefined when fewer than two styles have something to say.
 */
export function compareStyles({ experiments }: Results): Table | undefined {
  const held = new Map(
    experiments.filter(({ verdict }) => verdict === 'holds').map((record) => [record.name, record]),
  )
  const say = (cell: Cell | undefined) => {
    const record = cell && held.get(cell.experiment)
    if (!cell || !record) return NOT_ASKED
    return cell.say(record.data) ?? UNREADABLE
  }
  const body = rows.map(({ question, cells }) => [question, ...TRIOS.map((name) => say(cells[name]))])
  const speaking = TRIOS.filter((_, at) => body.some((row) => row[at + 1] !== NOT_ASKED))
  if (speaking.length < 2) return undefined
  return {
    title: 'The three styles, in the figures of this run',
    columns: ['', ...trios.map(({ style }) => style)],
    rows: body.filter((row) => row.slice(1).some((text) => text !== NOT_ASKED)),
  }
}

/** The figures of one experiment in a few words; undefined when its data does not have them. */
interface Cell {
  experiment: string
  say: (data: unknown) => string | undefined
}

const number = z.number()
const latency = z.object({ p50_us: number, mean_us: number })
const backlog = z.object({
  steps: z.array(z.object({ depth: number })).min(1),
  outage_ms: number,
  drain: z.object({ last_reserved_after_ms: number, orders_per_second_since_restart: number }),
})
const perSecond = (orders: number) => `${formatNumber(Math.round(orders))}/s`

const offered = z.looseObject({ generator: z.array(z.object({ rate: number })).min(1) })
const repeated = z.object({ p50_us: z.object({ median: number }) })

/** At the highest rate that was offered to all three; the medians are those of the table. */
const sameLoad = (part: TrioName): Cell =>
  cell('compare-latency', offered, ({ generator, ...data }) => {
    const rate = Math.max(...generator.map((one) => one.rate))
    const medianOf = (latency: string) => {
      const { data: figure } = repeated.safeParse(data[`${part}_${latency}_at_${rate}`])
      return figure ? `${milliseconds(figure.p50_us.median)} ms` : 'n/a'
    }
    const words =
      part === 'sync-rest'
        ? `accepted and done after ${medianOf('acceptance')}`
        : `accepted after ${medianOf('acceptance')}, done after ${medianOf('completion')}`
    return `${words} (median, ${rate}/s offered)`
  })

/** A style that no experiment asks this has no cell. */
const rows: { question: string; cells: Partial<Record<TrioName, Cell>> }[] = [
  {
    question: 'the same load on all three',
    cells: Object.fromEntries(TRIOS.map((part) => [part, sameLoad(part)])),
  },
  {
    question: 'an order',
    cells: {
      'sync-rest': cell('rest-baseline', z.object({ rounds: z.array(latency).min(1) }), ({ rounds }) => {
        const { p50_us, mean_us } = rounds.at(-1)!
        return `answered when done: ${milliseconds(p50_us)} ms (median), ${perSecond(1_000_000 / mean_us)} one by one`
      }),
      'async-rabbitmq': cell(
        'rabbit-backlog',
        backlog,
        ({ steps, drain }) =>
          `accepted at once, done later: ${formatNumber(steps.at(-1)!.depth)} waiting orders at ${perSecond(drain.orders_per_second_since_restart)}, start of the service included`,
      ),
      'streaming-kafka': cell(
        'kafka-bulk',
        z.object({ analytics: z.object({ orders_total: number }), seconds_until_counted: number }),
        ({ analytics: { orders_total }, seconds_until_counted }) =>
          `accepted in bulk, done later: ${formatNumber(orders_total)} at ${perSecond(orders_total / seconds_until_counted)}, counted by analytics`,
      ),
    },
  },
  {
    question: 'a slow or absent service',
    cells: {
      'sync-rest': cell(
        'rest-delay',
        z.object({ before: latency, delayed: latency }),
        ({ before, delayed }) =>
          `the customer waits: median ${milliseconds(before.p50_us)} → ${milliseconds(delayed.p50_us)} ms`,
      ),
      'async-rabbitmq': cell(
        'rabbit-backlog',
        backlog,
        ({ steps, outage_ms }) =>
          `every order is accepted; ${formatNumber(steps.at(-1)!.depth)} wait in the queue for ${(outage_ms / 1_000).toFixed(0)} s`,
      ),
      'streaming-kafka': cell(
        'kafka-lag',
        z.object({ samples: z.array(z.object({ messages: number })).min(1), messages_per_second: number }),
        ({ samples, messages_per_second }) =>
          `every order is accepted; the reader lags ${formatNumber(Math.max(...samples.map(({ messages }) => messages)))} messages, drains ${perSecond(messages_per_second)} while throttled`,
      ),
    },
  },
  {
    question: 'failure, and return',
    cells: {
      'sync-rest': cell(
        'rest-failure',
        z.object({ outcomes: z.record(z.string(), number) }),
        ({ outcomes }) => `orders are refused: ${describeOutcomes(outcomes)}`,
      ),
      'async-rabbitmq': cell(
        'rabbit-backlog',
        backlog,
        ({ drain }) =>
          `nothing is lost: the last is reserved ${formatNumber(drain.last_reserved_after_ms)} ms after the restart`,
      ),
    },
  },
  {
    question: 'the same message again',
    cells: {
      'async-rabbitmq': cell(
        'rabbit-idempotency',
        z.object({ deliveries: z.array(z.object({ deliveries: number })) }),
        ({ deliveries }) => {
          const count = deliveries.reduce((sum, each) => sum + each.deliveries, 0)
          return `${formatNumber(count)} deliveries of ${deliveries.length} messages: ${deliveries.length} effects`
        },
      ),
      'streaming-kafka': cell(
        'kafka-replay',
        z.object({ replayed: z.object({ ms: number, report: z.object({ orders_total: number }) }) }),
        ({ replayed: { ms, report } }) =>
          `${formatNumber(report.orders_total)} orders read again in ${(ms / 1_000).toFixed(1)} s: the same projection`,
      ),
    },
  },
  {
    question: 'an unreadable message',
    cells: {
      'async-rabbitmq': cell(
        'rabbit-dlq',
        z.object({ dead_letters: z.array(z.unknown()) }),
        ({ dead_letters: { length } }) => `${length} of ${length} in dlq_queue, with the reason`,
      ),
    },
  },
]

function cell<Schema extends z.ZodType>(
  experiment: string,
  schema: Schema,
  words: (data: z.output<Schema>) => string,
): Cell {
  return {
    experiment,
    say: (data) => {
      const parsed = schema.safeParse(data)
      return parsed.success ? words(parsed.data) : undefined
    },
  }
}
