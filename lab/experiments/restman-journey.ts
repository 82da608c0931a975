import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@lab/kit/wait.ts'
import { histogramOf, summarize } from '../load/histogram.ts'
import { type openClickHouse, startRestman, steadyLoad } from '../restman/client.ts'
import { latencyColumns, percentileChart } from './curves.ts'
import {
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  tableOf,
  voidingCheck,
} from './experiment.ts'

interface Params extends Record<string, unknown> {
  /** Orders per second, all the time. */
  rate: number
  seconds: number
  /** Orders before the clock starts. */
  warmUp: number
}

export const restmanJourney = defineExperiment<Params>({
  name: 'restman-journey',
  part: 'platform-restman',
  question: 'How long does an order take to its ticket, its bill and its row in the analytics?',
  profiles: {
    quick: { rate: 10, seconds: 4, warmUp: 10 },
    default: { rate: 30, seconds: 20, warmUp: 100 },
    full: { rate: 50, seconds: 120, warmUp: 500 },
  },
  run,
})

/** In the order in which an order passes them. */
const HOPS = ['accepted', 'in order.events', 'ticket', 'bill', 'analytics row'] as const
type Hop = (typeof HOPS)[number]

const DRAIN_MS = 60_000
const LOOK_EVERY_MS = 25

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params, signal, progress } = context
  const { restman, clickhouse } = await startRestman(context)
  progress('warming up')
  const warm = await steadyLoad(restman, { ...params, isOver: (at) => at >= params.warmUp, signal })
  await until(async () => (await clickhouse.count('orders')) >= warm.length, {
    what: 'the warm-up',
    timeoutMs: DRAIN_MS,
    signal,
  })

  const count = params.rate * params.seconds
  progress(`${count} orders at ${params.rate}/s`)
  const watch = watchRows(clickhouse, signal)
  const orders = await steadyLoad(restman, { ...params, isOver: (at) => at >= count, signal })
  const placed = orders.filter(({ orderId }) => orderId !== undefined)
  await until(async () => placed.every(({ orderId }) => watch.seenAt.has(orderId!)), {
    what: 'every order to have its row',
    timeoutMs: DRAIN_MS,
    signal,
    detail: () => `${watch.seenAt.size} of ${placed.length} seen`,
  })
  await watch.stop()
  progress('asking for every road')
  const us = Object.fromEntries(HOPS.map((hop): [Hop, number[]] => [hop, []])) as Record<Hop, number[]>
  for (const { orderId, intendedAt, tookMs } of placed) {
    const { events, ticket } = await restman.ask<Road>('GET', `/api/scheduler/orders/${orderId}/road`)
    const eventOf = (type: string) => events.find((event) => event.type === type)
    const times: Record<Hop, number | undefined> = {
      accepted: intendedAt + tookMs,
      'in order.events': timeOf(eventOf('order.placed')?.logged_at),
      ticket: timeOf(ticket.value?.created_at),
      bill: timeOf(eventOf('bill.created')?.happened_at),
      'analytics row': watch.seenAt.get(orderId!),
    }
    for (const hop of HOPS)
      if (times[hop] !== undefined) us[hop].push(Math.round((times[hop] - intendedAt) * 1_000))
  }
  await restman.close()

  const late = orders.filter(({ status }) => status !== 201 && status !== 202).length
  return {
    checks: [
      voidingCheck('every order is accepted', late === 0, `${placed.length} of ${orders.length}`),
      voidingCheck(
        'every accepted order has a ticket, a bill and a row',
        HOPS.every((hop) => us[hop].length === placed.length),
        HOPS.map((hop) => `${hop} ${us[hop].length}`).join(', '),
      ),
    ],
    tables: [
      tableOf(
        `From the intended time of an order to each hop, ${params.rate} orders/s for ${params.seconds} s`,
        HOPS,
        [['hop', (hop) => hop], ...latencyColumns<Hop>((hop) => histogramOf(us[hop]))],
      ),
    ],
    charts: [
      percentileChart(
        'From the intended time to each hop, by percentile',
        HOPS.map((hop) => ({ name: hop, histogram: histogramOf(us[hop]) })),
      ),
    ],
    reading: [
      `Tickets and bills come by their service's own clock, the place in the topic by the broker's, rows when the database shows them: it is asked every ${LOOK_EVERY_MS} ms.`,
    ],
    data: { hops: Object.fromEntries(HOPS.map((hop) => [hop, summarize(histogramOf(us[hop]))])) },
  }
}

/** When each order was first seen in the analytics. */
function watchRows(clickhouse: ReturnType<typeof openClickHouse>, signal: AbortSignal) {
  const seenAt = new Map<string, number>()
  let isOver = false
  const look = async () => {
    while (!isOver) {
      const ids = await clickhouse.orderIds()
      const now = Date.now()
      for (const id of ids) if (!seenAt.has(id)) seenAt.set(id, now)
      await sleep(LOOK_EVERY_MS, undefined, { signal })
    }
  }
  const looking = look()
  return {
    seenAt,
    stop: () => {
      isOver = true
      return looking
    },
  }
}

interface Road {
  events: { type: string; logged_at: string; happened_at: string }[]
  ticket: { state: string; value?: { created_at: string } }
}

const timeOf = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text))
