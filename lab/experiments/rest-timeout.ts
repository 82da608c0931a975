import { ITEMS } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { answered, countOutcomes, type LoadResult, orderIds } from '../load/closed-loop.ts'
import { type Check, check, type ExperimentContext, type Table } from './experiment.ts'
import { allAnswered, describeOutcomes } from './outcomes.ts'
import type { PartClient } from './part-client.ts'
import { untilSettled } from './settled.ts'

interface TimeoutParams {
  timeoutMs: number
  longDelaySeconds: number
  lateOrders: number
}

interface Options extends Pick<ExperimentContext<TimeoutParams>, 'params' | 'progress' | 'signal'> {
  place: (count: number, concurrency: number, what: string) => Promise<LoadResult>
}

/**
 * Orders that are given up on while inventory still works on them. The client hears 504; then the reservation happens
 * after all, and only settling in the background gives the stock back.
 */
export async function runIntoTimeout(client: PartClient, options: Options) {
  const { params, progress, signal, place } = options
  const { timeoutMs, longDelaySeconds, lateOrders } = params
  const before = await client.stock()
  await client.command('inventory', '/admin/delay', { seconds: longDelaySeconds })
  const what = `inventory ${longDelaySeconds} s slower, patience ${timeoutMs / 1_000} s`
  const load = await place(lateOrders, lateOrders, what)

  progress(`all ${lateOrders} answered; waiting for the reservations that were given up on`)
  const allMoved = async () => movedSince(before, await client.stock()) === lateOrders
  await waitFor(`stock to move for ${lateOrders} orders that were answered 504`, allMoved, {
    timeoutMs: longDelaySeconds * 1_000 + 10_000,
    everyMs: 20,
    signal,
  })
  const clearedAt = performance.now()
  await client.clearFaults('inventory')
  await untilSettled(client, options)
  const settledMs = Math.round(performance.now() - clearedAt)

  const ids = new Set(orderIds(load))
  const statuses = (await client.orders())
    .filter(({ order_id }) => ids.has(order_id))
    .map(({ status }) => status)
  return { params, load, settledMs, statuses, still: movedSince(before, await client.stock()) }
}

export type TimeoutSeen = Awaited<ReturnType<typeof runIntoTimeout>>

export function timeoutChecks({ params, load, settledMs, statuses, still }: TimeoutSeen): Check[] {
  const count = params.lateOrders
  const counts = countOutcomes(load)
  const timedOut = answered(load).filter(({ order }) => order?.status === 'timeout')
  return [
    check(
      'beyond the time-out every order is answered 504, status timeout',
      allAnswered(counts, [504], count) && timedOut.length === count,
      `${describeOutcomes(counts)}, ${timedOut.length} with status timeout`,
    ),
    check(
      'what was reserved behind the time-out is released again',
      still === 0 && statuses.length === count && statuses.every((status) => status === 'failed'),
      `${count} reserved after the 504, ${still} still out of stock ${settledMs} ms after inventory answered again; the orders are ${[...new Set(statuses)].join(', ')}`,
    ),
  ]
}

export const timeoutTable = ({ params, load, settledMs, still }: TimeoutSeen): Table => ({
  title: `Orders that ran into the time-out of ${params.timeoutMs} ms`,
  columns: ['orders', 'answers', 'reserved after the answer', 'released again', 'settled after ms'],
  rows: [
    [
      params.lateOrders,
      describeOutcomes(countOutcomes(load)),
      params.lateOrders,
      params.lateOrders - still,
      settledMs,
    ],
  ],
})

const movedSince = (before: Stock, now: Stock): number =>
  ITEMS.reduce((sum, item) => sum + before[item] - now[item], 0)
