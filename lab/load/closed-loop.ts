import { Order, type PlaceOrder } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import pLimit from 'p-limit'
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
  const limit = pLimit(concurrency)
  const startedAt = performance.now()
  let done = 0
  const attempts = await limit.map(Array.from({ length: count }).keys(), async (index) => {
    signal.throwIfAborted()
    const attempt = await tryOnce(place, order(index))
    signal.throwIfAborted()
    onAnswer?.(++done)
    return attempt
  })
  return { attempts, elapsedMs: performance.now() - startedAt }
}

/** One of each item in turn. */
export const oneByOne = (index: number): PlaceOrder => ({ item: ITEMS_IN_TURN[index % 3]!, quantity: 1 })
const ITEMS_IN_TURN = ['burger', 'pizza', 'salad'] as const

export const answered = ({ attempts }: LoadResult): Answered[] =>
  attempts.filter((attempt) => attempt.kind === 'answered')

/** The order ids the client holds an answer for, whatever the answer says. */
export const orderIds = (load: LoadResult): string[] =>
  answered(load).flatMap(({ order }) => (order ? [order.order_id] : []))

/** How often each outcome occurred, e.g. `{ '201': 20 }` or `{ '504': 4, unknown: 1 }`. */
export function countOutcomes({ attempts }: LoadResult): Record<string, number> {
  const groups = Object.groupBy(attempts, (attempt) =>
    attempt.kind === 'answered' ? String(attempt.status) : 'unknown',
  )
  return Object.fromEntries(Object.entries(groups).map(([outcome, group]) => [outcome, group?.length ?? 0]))
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
