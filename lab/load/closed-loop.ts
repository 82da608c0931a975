import { Order, type PlaceOrder } from '@lab/common/domain/order.ts'
import pLimit from 'p-limit'
import type { HistoryRecord } from '../ledger/history.ts'
import { formatNumber } from '../report/number.ts'
import { outcomeOf } from './exchange.ts'
import type { Answer } from './service-client.ts'

/** One order as the ledger reads it, and what its client knows besides. */
export type Placed = ReturnType<typeof recordOf> & { startedAt: number }

export interface ClosedLoopOptions {
  count: number
  /** How many orders are in flight at once; 1 is one after the other. */
  concurrency: number
  signal: AbortSignal
  order?: (index: number) => PlaceOrder
  onAnswer?: (done: number) => void
}

/**
 * Sends each order when an earlier one was answered. The load follows the service: a slow service is asked less, so
 * these latencies are those of a patient client, not those of arrivals that do not wait.
 */
export async function closedLoop(
  place: (order: PlaceOrder) => Promise<Answer>,
  { count, concurrency, signal, order = oneByOne, onAnswer }: ClosedLoopOptions,
): Promise<Placed[]> {
  const placed: Placed[] = []
  let done = 0
  await inParallel(count, concurrency, async (index) => {
    signal.throwIfAborted()
    const startedAt = performance.now()
    const answer = await place(order(index)).catch(() => undefined)
    placed[index] = { ...recordOf(index, order(index), answer), startedAt }
    signal.throwIfAborted()
    onAnswer?.(++done)
  })
  return placed
}

/** So many at once, the next one when one of them is done. */
export async function inParallel(
  count: number,
  concurrency: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  await pLimit(concurrency).map(Array(count).keys(), work)
}

/** One of each item in turn. */
export const oneByOne = (index: number): PlaceOrder => ({ item: ITEMS_IN_TURN[index % 3]!, quantity: 1 })
const ITEMS_IN_TURN = ['burger', 'pizza', 'salad'] as const

/** The same as it is sent, written once. */
export const bodyOf = (index: number): string => BODIES[index % 3]!
const BODIES = [0, 1, 2].map((index) => JSON.stringify(oneByOne(index)))

/** An order and its answer; without one the order may exist, so it counts neither as lost nor as failed. */
export function recordOf(n: number, { item, quantity }: PlaceOrder, answer: Answer | undefined) {
  const { status, latencyUs } = answer ?? {}
  const order = Order.safeParse(answer?.body).data
  const known: HistoryRecord = {
    n,
    outcome: status === undefined ? 'unknown' : outcomeOf(status),
    item,
    quantity,
    ...(status !== undefined && { status }),
    ...(order && { order_id: order.order_id, told: order.status }),
  }
  return { ...known, latencyUs, order }
}

/** Orders that had an answer, whatever it says. */
export const answered = (load: Placed[]) =>
  load.flatMap(({ latencyUs, ...rest }) => (latencyUs === undefined ? [] : { latencyUs, ...rest }))

/** In microseconds, of the orders that had an answer. */
export const latenciesOf = (load: Placed[]): number[] => load.flatMap(({ latencyUs }) => latencyUs ?? [])

/** The order ids the client holds an answer for, whatever the answer says. */
export const orderIds = (load: Placed[]): string[] => load.flatMap(({ order_id }) => order_id ?? [])

/** How often each outcome occurred, e.g. `{ '201': 20 }` or `{ '504': 4, unknown: 1 }`. */
export function countOutcomes(load: Placed[]): Record<string, number> {
  const groups = Map.groupBy(load, ({ status }) => String(status ?? 'unknown'))
  return Object.fromEntries([...groups].map(([outcome, group]) => [outcome, group.length]))
}

/** `{ '201': 20 }` as people read it: `20 × 201`. */
export const describeOutcomes = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([outcome, count]) => `${formatNumber(count)} × ${outcome}`)
    .join(', ')

/** Whether there were exactly `count` answers, all with one of these statuses. */
export function allAnswered(counts: Record<string, number>, statuses: number[], count: number): boolean {
  const matching = statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0)
  return matching === count && total === count
}
