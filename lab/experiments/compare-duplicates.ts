import { INITIAL_STOCK } from '@lab/common/domain/stock.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { openServiceClient } from '../load/service-client.ts'
import { TRIOS, type TrioName } from '../trio.ts'
import { type Duplicated, duplicateCases } from './duplicate-cases.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
} from './experiment.ts'
import { guaranteeCard } from './guarantees.ts'
import { STYLE } from './offered-load.ts'
import { openPartClient } from './part-client.ts'
import { ledgerCheck, ledgerOf } from './part-ledger.ts'
import { openPartWatch } from './part-watch.ts'
import { openRepeater } from './repeat-message.ts'

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
    await using watch = await openPartWatch(watched)
    await using repeater = await openRepeater(watched)
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
    return { part: name, cases: withNotified, ledger, guarantees: await watch.guarantees() }
  } finally {
    await orders.close()
    await part.close()
  }
}

/** How many notifications the orders have had; undefined where there is no such service. */
async function notificationsOf(part: TrioName, read: () => Promise<{ order_id: string }[]>) {
  if (part === 'streaming-kafka') return undefined
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
