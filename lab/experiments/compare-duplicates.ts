import { randomUUID } from 'node:crypto'
import { isTerminal } from '@lab/common/domain/order.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { recordOf } from '../load/closed-loop.ts'
import type { OrderStreamClient } from '../load/order-stream.ts'
import { guaranteeCard, type Repeater } from '../part.ts'
import { drivers, STYLE } from '../parts/index.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { TRIOS, type TrioName } from '../trio.ts'
import { openBench, type Bench as PartBench } from './bench.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, tableOf } from './experiment.ts'

interface Params extends Record<string, unknown> {
  /** How often the same message is delivered again. */
  copies: number
}

export const compareDuplicates = defineExperiment<Params>({
  name: 'compare-duplicates',
  part: 'all',
  question: 'The same order is sent twice, or its message delivered again: how often does anything happen?',
  profiles: { quick: { copies: 3 }, default: { copies: 20 }, full: { copies: 500 } },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const seen = await Array.fromAsync(TRIOS, (part) => observe(context, part))
  return {
    checks: seen.flatMap(({ style, cases, ledger }) => [
      ...cases.map(({ what, expected, quantity, times, answers, orders, taken, notified }) =>
        check(
          `${style}, ${what}: ${['no effect', 'one effect'][expected] ?? `${expected} effects`}`,
          orders.length === expected &&
            taken === expected * quantity &&
            (notified === null || notified === expected),
          [
            `${times} times, answered ${answers.join(', ')}`,
            `${orders.length} ${orders.length === 1 ? 'order' : 'orders'} of ${quantity}`,
            `${taken} taken from stock`,
            ...(notified === null ? [] : [`${notified} notified`]),
          ].join('; '),
        ),
      ),
      ledgerCheck(` (${style})`, ledger),
    ]),
    tables: [
      guaranteeCard(seen.map(({ style, guarantees }) => ({ name: style, guarantees }))),
      ...seen.map(({ style, cases }) =>
        tableOf(`Effects of what happened more than once: ${style}`, cases, [
          ['what', ({ what }) => what],
          ['times', ({ times }) => times],
          ['answers', ({ answers }) => answers.join(', ')],
          ['orders', ({ orders }) => orders.length],
          ['ordered each', ({ quantity }) => quantity],
          ['taken from stock', ({ taken }) => taken],
          ['notifications', ({ notified }) => notified ?? 'no such service'],
        ]),
      ),
    ],
    data: Object.fromEntries(seen.map(({ part, cases }) => [part, { cases }])),
  }
}

async function observe(context: ExperimentContext<Params>, name: TrioName) {
  const style = STYLE[name]
  await using opened = await openBench(context, { part: name, durable: true })
  const { client, watch, progress } = opened
  await using repeater = await drivers[name].repeater(opened)
  progress(`${style}: sending and delivering again`)
  const records: HistoryRecord[] = []
  opened.keep(records)
  const bench: Bench = { ...opened, repeater, stream: await client.stream(), records }
  const cases = await duplicateCases(bench, context.params.copies)
  // Null where there is no such service.
  const notifications = drivers[name].promises.notifies === 'never' ? undefined : await client.notifications()
  const notifiedOf = ({ orders: ids }: Duplicated) =>
    notifications?.filter(({ order_id }) => ids.includes(order_id)).length ?? null
  const ledger = await opened.ledger()
  return {
    part: name,
    style,
    cases: cases.map((each) => ({ ...each, notified: notifiedOf(each) })),
    ledger,
    guarantees: await watch.card(),
  }
}

/** What one thing did that happened more than once. */
interface Duplicated {
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

interface Bench extends PartBench {
  repeater: Repeater
  stream: OrderStreamClient
  /** What was sent so far, for the ledger. */
  records: HistoryRecord[]
}

const FENCE = 1

/** Runs the cases one after the other; each ends when nothing moves any more. */
async function duplicateCases(bench: Bench, copies: number): Promise<Duplicated[]> {
  const key = randomUUID()
  const inTurn = (quantity: number, keys: (string | undefined)[]) => () =>
    Array.fromAsync(keys, (one) => place(bench, quantity, one))
  const atOnce = (quantity: number, keys: string[]) => () =>
    Promise.all(keys.map((one) => place(bench, quantity, one)))
  const deliver = (quantity: number) => async () => {
    const placed = await place(bench, quantity)
    if (!placed.order) throw new Error(`the order was not accepted: ${placed.status}`)
    await done(bench, [placed.order.order_id])
    await bench.repeater.repeat(placed.order, copies)
    // Whatever came before this order in a queue has been handled when it is done.
    await done(bench, [(await place(bench, FENCE)).order?.order_id ?? 'none'])
    return [placed]
  }
  const twice = randomUUID()
  const cases = [
    ['sent twice, no key', 2, 2, inTurn(2, [undefined, undefined])],
    ['sent twice, same Idempotency-Key', 3, 1, inTurn(3, [key, key])],
    ['that key again, another order', 5, 0, inTurn(5, [key])],
    ['sent twice at the same time, same Idempotency-Key', 4, 1, atOnce(4, [twice, twice])],
  ] as const
  const duplicated = await Array.fromAsync(cases, ([what, quantity, expected, act]) =>
    counted(bench, { what, quantity, expected }, act),
  )
  const what = `delivered ${copies} times more (${bench.repeater.how})`
  const delivered = await counted(bench, { what, quantity: 7, expected: 1 }, deliver(7))
  return [...duplicated, { ...delivered, times: 1 + copies, taken: delivered.taken - FENCE }]
}

type Answered = ReturnType<typeof recordOf>

async function counted(
  bench: Bench,
  wanted: Pick<Duplicated, 'what' | 'quantity' | 'expected'>,
  act: () => Promise<Answered[]>,
): Promise<Duplicated> {
  const before = (await bench.client.stock()).pizza
  const answers = await act()
  const orders = [...new Set(answers.flatMap(({ order }) => order?.order_id ?? []))]
  await done(bench, orders)
  await bench.watch.settled(30_000)
  const taken = before - (await bench.client.stock()).pizza
  return {
    ...wanted,
    times: answers.length,
    answers: answers.map(({ status }) => status ?? 0),
    orders,
    taken,
  }
}

async function place({ client, records }: Bench, quantity: number, key?: string): Promise<Answered> {
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  const order = { item: 'pizza', quantity } as const
  const placed = recordOf(records.length, order, await client.place(order, headers))
  records.push({ ...placed, ...(key !== undefined && { idempotency_key: key }) })
  return placed
}

const done = ({ stream }: Bench, order_ids: string[]) =>
  stream.completed(order_ids, { passes: isTerminal, what: 'done', timeoutMs: 30_000 })
