import { ITEMS } from '@lab/common/domain/order.ts'
import { INITIAL_STOCK } from '@lab/common/domain/stock.ts'
import { answered, countOutcomes, describeOutcomes } from '../load/closed-loop.ts'
import { milliseconds } from '../load/histogram.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { answeredCheck, openBench } from './bench.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, says, tableOf } from './experiment.ts'

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
  await using bench = await openBench(context)
  const { client } = bench
  await client.command('inventory', '/admin/fail', { enabled: true })
  const failing = await bench.place(context.params.orders, { what: 'inventory failing' })

  // A service that fails tells nothing, its stock neither.
  await client.clearFaults('inventory')
  const [stock, notifications] = [await client.stock(), await client.notifications()]
  const after = await bench.place(1, { what: 'inventory well again' })
  // A 500 can hide a reservation, so the order service asks inventory until it is certain.
  context.progress('inventory is well again; settling what was unknown')
  await bench.watch.settled(30_000)

  const orders = [
    ...answered(failing).map((order) => ({ ...order, inventory: 'failing' })),
    ...answered(after).map((order) => ({ ...order, inventory: 'well again' })),
  ]
  return {
    checks: [
      answeredCheck('every order is answered 422 or 504', failing, [422, 504]),
      check('none is notified', notifications.length === 0, `${notifications.length} notifications`),
      check(
        'no stock moves',
        ITEMS.every((item) => stock[item] === INITIAL_STOCK[item]),
        `left: ${ITEMS.map((item) => `${item} ${stock[item]}`).join(', ')}`,
      ),
      answeredCheck('the next order succeeds once inventory is well', after, [201]),
      ledgerCheck('', await bench.ledger()),
    ],
    tables: [
      tableOf('Orders while inventory answers 500, and one after', orders, [
        ['order', ({ quantity, item }) => `${quantity} ${item}`],
        ['inventory', ({ inventory }) => inventory],
        ['answer', ({ status }) => status ?? '-'],
        ['status', ({ order }) => order?.status ?? '-'],
        ['reason', ({ order }) => order?.reason ?? '-'],
        ['ms', ({ latencyUs }) => milliseconds(latencyUs)],
      ]),
    ],
    says: says('sync-rest', [
      ['failure, and return', `orders are refused: ${describeOutcomes(countOutcomes(failing))}`],
    ]),
    data: { outcomes: countOutcomes(failing), stock_left: stock, notifications: notifications.length },
  }
}
