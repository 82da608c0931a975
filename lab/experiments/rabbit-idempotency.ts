import { INITIAL_STOCK } from '@lab/common/domain/stock.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { closedLoop, type LoadResult, orderIds, recordsOf } from '../load/closed-loop.ts'
import { openRabbitProbe } from '../probes/rabbit.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
} from './experiment.ts'
import { openPartClient, type PartClient } from './part-client.ts'
import { ledgerCheck, ledgerOf } from './part-ledger.ts'
import { type Bench, cutWhileHeld, type Delivered, republish } from './redelivery.ts'

interface Params extends Record<string, unknown> {
  /** How often the very same message is published again. */
  copies: number
}

export const rabbitIdempotency = defineExperiment<Params>({
  name: 'rabbit-idempotency',
  part: 'async-rabbitmq',
  question: 'What does the same message do when it is delivered again, or again after a crash?',
  profiles: { quick: { copies: 5 }, default: { copies: 50 }, full: { copies: 50 } },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const seen = await observe(context)
  return { checks: checksOf(seen), tables: [tableOf(seen)], data: { deliveries: seen.deliveries } }
}

type Seen = Awaited<ReturnType<typeof observe>>

async function observe(context: ExperimentContext<Params>) {
  const { params, signal } = context
  const part = await context.start({ durable: true })
  await using client = openPartClient(part, signal)
  await using probe = await openRabbitProbe(part.rabbit!)
  const loads: LoadResult[] = []
  const place = (quantity: number) => placePizzas(client, { quantity, signal, loads })
  const [placed, stream] = [await probe.tap('order.placed'), await client.stream()]
  const bench: Bench = { ...context, part, client, probe, placed, stream, place }
  const killAndRestart = async () => {
    await part.inventory.kill()
    await part.inventory.start()
  }

  const deliveries = [
    await republish(bench, { how: 'published again', quantity: 3, copies: params.copies }),
    await cutWhileHeld(bench, { how: 'redelivered: its connection was cut', quantity: 2 }),
    await republish(bench, {
      how: 'published again after SIGKILL',
      quantity: 4,
      copies: 1,
      between: killAndRestart,
    }),
  ]
  await everythingBefore(await place(1), bench)

  const notifications = await client.notifications()
  const notified = (order_id: string) => notifications.filter((entry) => entry.order_id === order_id).length
  const histories = loads.map(recordsOf)
  const ledger = await ledgerOf(part, { histories, initial: INITIAL_STOCK, signal })
  return {
    deliveries: deliveries.map((each) => ({ ...each, notified: notified(each.order_id) })),
    ledger: ledgerCheck('', ledger),
  }
}

interface Placing {
  quantity: number
  signal: AbortSignal
  loads: LoadResult[]
}

async function placePizzas(client: PartClient, { quantity, signal, loads }: Placing): Promise<string> {
  const order = () => ({ item: 'pizza' as const, quantity })
  const load = await closedLoop(client.place, { count: 1, concurrency: 1, signal, order })
  loads.push(load)
  const [order_id] = orderIds(load)
  if (!order_id) throw new Error(`the order was not accepted: ${JSON.stringify(load.attempts)}`)
  return order_id
}

const checksOf = ({ deliveries, ledger }: Seen): Check[] => [
  ...deliveries.map((delivered) => check(`${delivered.how}: stock moves once`, ...movesOnce(delivered))),
  check(
    'each order is notified once',
    deliveries.every(({ notified }) => notified === 1),
    deliveries.map(({ how, notified }) => `${how}: ${notified}`).join('; '),
  ),
  ledger,
]

const tableOf = ({ deliveries }: Seen): Table => ({
  title: 'One message, delivered more than once',
  columns: ['how', 'deliveries', 'told apart as repeats', 'pizzas ordered', 'pizzas taken', 'notifications'],
  rows: deliveries.map((delivered) => [
    delivered.how,
    delivered.deliveries,
    delivered.repeats,
    delivered.ordered,
    delivered.taken,
    delivered.notified,
  ]),
})

/**
 * Of copies that were published, every one has to be recognised. When the broker delivers again, the delivery that was
 * cut off may be the later of the two, and its channel is gone: nobody settles or counts it.
 */
function movesOnce({ by, deliveries, repeats, ordered, taken }: Delivered): [boolean, string] {
  const isRecognised = by === 'the broker' || repeats === deliveries - 1
  return [
    taken === ordered && deliveries > 1 && isRecognised,
    `${deliveries} deliveries, ${repeats} recognised as repeats; ${ordered} ordered, ${taken} taken`,
  ]
}

/**
 * Every queue and outbox is worked off in order: once a later order is notified, whatever the repeats had led to would
 * have arrived before it.
 */
async function everythingBefore(fence: string, { client, signal }: Bench): Promise<void> {
  const arrived = async () => (await client.notifications()).some(({ order_id }) => order_id === fence)
  await waitFor('the notification of the last order', arrived, { signal })
}
