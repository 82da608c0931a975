import { Order, type PlaceOrder } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import pLimit from 'p-limit'
import type { HistoryRecord } from '../ledger/history.ts'
import { formatNumber } from '../report/number.ts'
import { outcomeOf } from './exchange.ts'
import type { Answer } from './service-client.ts'

/**
 * What became of one order as the client knows it. `unknown` is an exchange that did not finish: the order may exist,
 * so it counts neither as lost nor as failed.
 */
export type Attempt = { intended: PlaceOrder; startedAt: number } & (
  | { kind: 'answered'; status: number; latencyUs: number; order: Order | undefined; body: unknown }
  | { kind: 'unknown'; error: string }
)

export type Answered = Extract<Attempt, { kind: 'answered' }>

export interface LoadResult {
  /** In the order in which the orders were intended. */
  attempts: Attempt[]
  elapsedMs: number
}

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
): Promise<LoadResult> {
  const startedAt = performance.now()
  const attempts: Attempt[] = []
  let done = 0
  await inParallel(count, concurrency, async (index) => {
    signal.throwIfAborted()
    attempts[index] = await tryOnce(place, order(index))
    signal.throwIfAborted()
    onAnswer?.(++done)
  })
  return { attempts, elapsedMs: performance.now() - startedAt }
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

export const answered = ({ attempts }: LoadResult): Answered[] =>
  attempts.filter((attempt) => attempt.kind === 'answered')

/** In microseconds, of the orders that had an answer. */
export const latenciesOf = (load: LoadResult): number[] => answered(load).map(({ latencyUs }) => latencyUs)

/** The order ids the client holds an answer for, whatever the answer says. */
export const orderIds = (load: LoadResult): string[] =>
  answered(load).flatMap(({ order }) => (order ? [order.order_id] : []))

/** What a closed loop did, as the ledger reads it. */
export const recordsOf = ({ attempts }: LoadResult): HistoryRecord[] => attempts.map(recordOf)

function recordOf(attempt: Attempt, n: number): HistoryRecord {
  const { item, quantity } = attempt.intended
  if (attempt.kind === 'unknown') return { n, outcome: 'unknown', item, quantity }
  const { status, order } = attempt
  return {
    n,
    outcome: outcomeOf(status),
    item,
    quantity,
    status,
    ...(order && { order_id: order.order_id, told: order.status }),
  }
}

/** How often each outcome occurred, e.g. `{ '201': 20 }` or `{ '504': 4, unknown: 1 }`. */
export function countOutcomes({ attempts }: LoadResult): Record<string, number> {
  const groups = Object.groupBy(attempts, (attempt) =>
    attempt.kind === 'answered' ? String(attempt.status) : 'unknown',
  )
  return Object.fromEntries(Object.entries(groups).map(([outcome, group]) => [outcome, group?.length ?? 0]))
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

async function tryOnce(
  place: (order: PlaceOrder) => Promise<Answer>,
  intended: PlaceOrder,
): Promise<Attempt> {
  const startedAt = performance.now()
  try {
    const { status, body, latencyUs } = await place(intended)
    const order = Order.safeParse(body)
    return { kind: 'answered', intended, startedAt, status, latencyUs, body, order: order.data }
  } catch (err) {
    return { kind: 'unknown', intended, startedAt, error: messageOf(err) }
  }
}
