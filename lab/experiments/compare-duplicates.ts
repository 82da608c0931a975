import { randomUUID } from 'node:crypto'
import { isTerminal, Order } from '@lab/common/domain/order.ts'
import { INITIAL_STOCK } from '@lab/common/domain/stock.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { outcomeOf } from '../load/exchange.ts'
import type { OrderStreamClient } from '../load/order-stream.ts'
import { openServiceClient, type ServiceClient } from '../load/service-client.ts'
import { guaranteeCard, type PartWatch, type Repeater, type Running } from '../part.ts'
import { openPartClient } from '../parts/client.ts'
import { drivers, STYLE, watchPart } from '../parts/index.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { TRIOS, type TrioName } from '../trio.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
} from './experiment.ts'

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

type Seen = Awaited<ReturnType<typeof observe>>

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const seen: Seen[] = []
  for (const part of TRIOS) seen.push(await observe(context, part))
  return {
    checks: seen.flatMap(checksOf),
    tables: [
      guaranteeCard(seen.map(({ part, guarantees }) => ({ name: STYLE[part], guarantees }))),
      ...seen.map(tableOf),
    ],
    reading: seen.map(readingOf),
    data: Object.fromEntries(seen.map(({ part, cases }) => [part, { cases }])),
  }
}

async function observe(context: ExperimentContext<Params>, name: TrioName) {
  const { params, signal, progress } = context
  const part = await context.startPart(name, { durable: true })
  const orders = openServiceClient(part.order.url, { signal })
  try {
    await using client = openPartClient(part, signal)
    const watched = { part, client, signal }
    await using watch = await watchPart(watched)
    await using repeater = await drivers[name].repeater(watched)
    const stream = await client.stream()
    const records: HistoryRecord[] = []
    progress(`${STYLE[name]}: sending and delivering again`)
    const cases = await duplicateCases(
      { ...watched, watch, repeater, stream, orders, records },
      params.copies,
    )
    const notified = await notificationsOf(name, client.notifications)
    const ledger = await ledgerOf(part, { histories: [records], initial: INITIAL_STOCK, signal })
    const withNotified = cases.map((each) => ({ ...each, notified: notified?.(each.orders) ?? null }))
    return { part: name, cases: withNotified, ledger, guarantees: await watch.card() }
  } finally {
    await orders.close()
    await part.close()
  }
}

/** How many notifications the orders have had; undefined where there is no such service. */
async function notificationsOf(part: TrioName, read: () => Promise<{ order_id: string }[]>) {
  if (drivers[part].promises.notifies === 'never') return undefined
  const notifications = await read()
  return (order_ids: string[]) => notifications.filter(({ order_id }) => order_ids.includes(order_id)).length
}

function checksOf({ part, cases, ledger }: Seen): Check[] {
  return [
    ...cases.map(({ notified, ...each }) => {
      const isOnce = notified === null || notified === each.expected
      const holds =
        each.orders.length === each.expected && each.taken === each.expected * each.quantity && isOnce
      return check(
        `${STYLE[part]}, ${each.what}: ${effects(each.expected)}`,
        holds,
        inWords({ ...each, notified }),
      )
    }),
    ledgerCheck(` (${STYLE[part]})`, ledger),
  ]
}

const effects = (count: number) =>
  count === 1 ? 'one effect' : count === 0 ? 'no effect' : `${count} effects`

const inWords = ({ times, answers, orders, quantity, taken, notified }: Seen['cases'][number]) =>
  [
    `${times} times, answered ${answers.join(', ')}`,
    `${orders.length} ${orders.length === 1 ? 'order' : 'orders'} of ${quantity}`,
    `${taken} taken from stock`,
    ...(notified === null ? [] : [`${notified} notified`]),
  ].join('; ')

const tableOf = ({ part, cases }: Seen): Table => ({
  title: `Effects of what happened more than once: ${STYLE[part]}`,
  columns: ['what', 'times', 'answers', 'orders', 'ordered each', 'taken from stock', 'notifications'],
  rows: cases.map(({ what, times, answers, orders, quantity, taken, notified }) => [
    what,
    times,
    answers.join(', '),
    orders.length,
    quantity,
    taken,
    notified ?? 'no such service',
  ]),
})

function readingOf({ part, cases }: Seen): string {
  const moved = (count: number) =>
    ['never moved', 'moved once', 'moved twice'][count] ?? `moved ${count} times`
  const effectsOf = ({ taken, quantity }: Duplicated) => taken / quantity
  const said = cases.map((each) => `${each.what}: stock ${moved(effectsOf(each))}`)
  const surplus = cases.filter((each) => effectsOf(each) > each.expected)
  const verdict =
    surplus.length === 0
      ? 'Nothing happened more often than it was ordered'
      : `Too often: ${surplus.map(({ what }) => what).join(', ')}`
  return `${STYLE[part]}: ${said.join('; ')}. ${verdict}.`
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

interface DuplicateBench extends Running {
  watch: PartWatch
  repeater: Repeater
  stream: OrderStreamClient
  orders: ServiceClient
  /** What was sent so far, for the ledger. */
  records: HistoryRecord[]
}

/** Runs the cases one after the other; each ends when nothing moves any more. */
async function duplicateCases(bench: DuplicateBench, copies: number): Promise<Duplicated[]> {
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
