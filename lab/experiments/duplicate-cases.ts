import { randomUUID } from 'node:crypto'
import { isTerminal, Order } from '@lab/common/domain/order.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { outcomeOf } from '../load/exchange.ts'
import type { OrderStreamClient } from '../load/order-stream.ts'
import type { ServiceClient } from '../load/service-client.ts'
import type { PartWatch, Watched } from './part-watch.ts'
import type { Repeater } from './repeat-message.ts'

/** What one thing did that happened more than once. */
export interface Duplicated {
  what: string
  /** How often it was sent or delivered. */
  times: number
  /** HTTP statuses of the answers. */
  answers: number[]
  orders: string[]
  /** Pizzas in one order, and pizzas that left the stock. */
  quantity: number
  taken: number
  /** How many orders this must come to. */
  expected: number
}

export interface DuplicateBench extends Watched {
  watch: PartWatch
  repeater: Repeater
  stream: OrderStreamClient
  orders: ServiceClient
  /** What was sent so far, for the ledger. */
  records: HistoryRecord[]
}

/** Runs the cases one after the other; each ends when nothing moves any more. */
export async function duplicateCases(bench: DuplicateBench, copies: number): Promise<Duplicated[]> {
  const key = randomUUID()
  return [
    await sending(bench, { what: 'sent twice, no key', quantity: 2, expected: 2 }, [undefined, undefined]),
    await sending(bench, { what: 'sent twice, same Idempotency-Key', quantity: 3, expected: 1 }, [key, key]),
    await sending(bench, { what: 'that key again, another order', quantity: 5, expected: 0 }, [key]),
    await atOnce(bench, {
      what: 'sent twice at the same time, same Idempotency-Key',
      quantity: 4,
      expected: 1,
    }),
    await delivering(
      bench,
      { what: `delivered ${copies} times more (${bench.repeater.how})`, quantity: 7, expected: 1 },
      copies,
    ),
  ]
}

type Case = Pick<Duplicated, 'what' | 'quantity' | 'expected'>

const sending = (bench: DuplicateBench, wanted: Case, keys: (string | undefined)[]) =>
  counted(bench, wanted, async () => {
    const answers = []
    for (const key of keys) answers.push(await place(bench, wanted.quantity, key))
    return answers
  })

const atOnce = (bench: DuplicateBench, wanted: Case) =>
  counted(bench, wanted, () => {
    const key = randomUUID()
    return Promise.all([place(bench, wanted.quantity, key), place(bench, wanted.quantity, key)])
  })

async function delivering(bench: DuplicateBench, wanted: Case, copies: number): Promise<Duplicated> {
  const delivered = await counted(bench, wanted, async () => {
    const placed = await place(bench, wanted.quantity)
    if (!placed.order) throw new Error(`the order was not accepted: ${placed.status}`)
    await done(bench, [placed.order.order_id])
    await bench.repeater.repeat(placed.order, copies)
    // Whatever came before this order in a queue has been handled when it is done.
    await done(bench, [(await place(bench, FENCE)).order?.order_id ?? 'none'])
    return [placed]
  })
  return { ...delivered, times: 1 + copies, taken: delivered.taken - FENCE }
}

const FENCE = 1

interface Answered {
  status: number
  order: Order | undefined
}

async function counted(
  bench: DuplicateBench,
  wanted: Case,
  act: () => Promise<Answered[]>,
): Promise<Duplicated> {
  const before = (await bench.client.stock()).pizza
  const answers = await act()
  const orders = [...new Set(answers.flatMap(({ order }) => order?.order_id ?? []))]
  await done(bench, orders)
  await bench.watch.settled(30_000)
  const taken = before - (await bench.client.stock()).pizza
  return { ...wanted, times: answers.length, answers: answers.map(({ status }) => status), orders, taken }
}

async function place({ orders, records }: DuplicateBench, quantity: number, key?: string): Promise<Answered> {
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  const { status, body } = await orders.post('/order', { item: 'pizza', quantity }, { headers })
  const order = Order.safeParse(body).data
  records.push({
    n: records.length,
    outcome: outcomeOf(status),
    item: 'pizza',
    quantity,
    status,
    ...(order && { order_id: order.order_id, told: order.status }),
    ...(key !== undefined && { idempotency_key: key }),
  })
  return { status, order }
}

async function done({ stream }: DuplicateBench, order_ids: string[]): Promise<void> {
  await stream.completed(order_ids, { passes: isTerminal, what: 'done', timeoutMs: 30_000 })
}
