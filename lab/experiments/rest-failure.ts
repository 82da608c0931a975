import { ITEMS } from '@lab/common/domain/order.ts'
import { INITIAL_STOCK } from '@lab/common/domain/stock.ts'
import {
  allAnswered,
  answered,
  closedLoop,
  countOutcomes,
  describeOutcomes,
  type LoadResult,
  recordsOf,
} from '../load/closed-loop.ts'
import { milliseconds } from '../load/histogram.ts'
import { openPartClient } from '../parts/client.ts'
import { watchPart } from '../parts/index.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
} from './experiment.ts'

interface Params extends Record<string, unknown> {
  orders: number
}

export const restFailure = defineExperiment<Params>({
  name: 'rest-failure',
  part: 'sync-rest',
  question: 'What do customers hear while inventory fails, and does anything of their orders stay behind?',
  profiles: { quick: { orders: 5 }, default: { orders: 5 }, full: { orders: 5 } },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const seen = await observe(context)
  const { failing, stock, notifications } = seen
  return {
    checks: checksOf(seen),
    tables: [tableOf(seen)],
    data: { outcomes: countOutcomes(failing), stock_left: stock, notifications: notifications.length },
  }
}

type Seen = Awaited<ReturnType<typeof observe>>

async function observe(context: ExperimentContext<Params>) {
  const { params, signal, progress } = context
  const part = await context.start()
  await using client = openPartClient(part, signal)
  const place = (count: number, what: string) => {
    const onAnswer = (done: number) => progress(`${what}: ${done} of ${count} orders answered`)
    return closedLoop(client.place, { count, concurrency: 1, signal, onAnswer })
  }

  await client.command('inventory', '/admin/fail', { enabled: true })
  const failing = await place(params.orders, 'inventory failing')

  // A service that fails tells nothing, its stock neither.
  await client.clearFaults('inventory')
  const [stock, notifications] = [await client.stock(), await client.notifications()]
  const after = await place(1, 'inventory well again')
  // A 500 can hide a reservation, so the order service asks inventory until it is certain.
  progress('inventory is well again; settling what was unknown')
  await using watch = await watchPart({ part, client, signal })
  await watch.settled(30_000)
  const histories = [failing, after].map(recordsOf)
  const ledger = await ledgerOf(part, { histories, initial: INITIAL_STOCK, signal })
  return { params, failing, stock, notifications, after, ledger: ledgerCheck('', ledger) }
}

function checksOf({ params, failing, stock, notifications, after, ledger }: Seen): Check[] {
  const counts = countOutcomes(failing)
  const next = countOutcomes(after)
  const untouched = ITEMS.every((item) => stock[item] === INITIAL_STOCK[item])
  return [
    check(
      'every order is answered 422 or 504',
      allAnswered(counts, [422, 504], params.orders),
      describeOutcomes(counts),
    ),
    check('none is notified', notifications.length === 0, `${notifications.length} notifications`),
    check('no stock moves', untouched, `left: ${ITEMS.map((item) => `${item} ${stock[item]}`).join(', ')}`),
    check(
      'the next order succeeds once inventory is well',
      allAnswered(next, [201], 1),
      describeOutcomes(next),
    ),
    ledger,
  ]
}

const tableOf = ({ failing, after }: Seen): Table => ({
  title: 'Orders while inventory answers 500, and one after',
  columns: ['order', 'inventory', 'answer', 'status', 'reason', 'ms'],
  rows: [...rowsOf(failing, 'failing'), ...rowsOf(after, 'well again')],
})

const rowsOf = (load: LoadResult, inventory: string): Table['rows'] =>
  answered(load).map(({ intended, status, order, latencyUs }) => [
    `${intended.quantity} ${intended.item}`,
    inventory,
    status,
    order?.status ?? '-',
    order?.reason ?? '-',
    milliseconds(latencyUs),
  ])
