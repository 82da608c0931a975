import { INITIAL_STOCK } from '@lab/common/domain/stock.ts'
import { counterIn } from '@lab/kit/counter-in.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { closedLoop, type LoadResult, orderIds, recordsOf } from '../load/closed-loop.ts'
import type { OrderStreamClient } from '../load/order-stream.ts'
import { openPartClient, type PartClient, type Role } from '../parts/client.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { openRabbitProbe, type RabbitProbe, type Tap } from '../probes/rabbit.ts'
import type { RunningTrio } from '../trio.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
} from './experiment.ts'

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

const QUEUE = 'inventory_queue'

interface Bench extends Pick<ExperimentContext<unknown>, 'progress' | 'signal'> {
  part: RunningTrio
  client: PartClient
  probe: RabbitProbe
  /** Copies of every `order.placed`. */
  placed: Tap
  stream: OrderStreamClient
  /** Orders pizzas and answers the order id. */
  place: (quantity: number) => Promise<string>
}

/** What one message did that was delivered more than once. */
interface Delivered {
  how: string
  by: 'publishing' | 'the broker'
  order_id: string
  deliveries: number
  /** Deliveries the inventory service settled without effect, because it knew the message id. */
  repeats: number
  ordered: number
  taken: number
}

interface Repeating {
  how: string
  quantity: number
  copies: number
  /** Happens after the order is reserved and before its message is published again. */
  between?: () => Promise<void>
}

/** Publishes the message that announced an order again, as it was: the same body, properties and message id. */
async function republish(bench: Bench, { how, quantity, copies, between }: Repeating): Promise<Delivered> {
  const { client, probe, progress, signal } = bench
  const before = (await client.stock()).pizza
  const order_id = await bench.place(quantity)
  const message = await copyOf(bench, order_id)
  await reserved(bench, order_id)
  await between?.()

  const known = await settled(client)
  for (let copy = 0; copy < copies; copy++) {
    await probe.publish(message.routingKey, message.body, message.properties)
  }
  const now = await waitFor(
    `inventory to settle ${copies} copies`,
    async () => {
      const counts = await settled(client)
      progress(`${how}: ${counts.all - known.all} of ${copies} copies settled`)
      return counts.all - known.all >= copies && counts
    },
    { signal },
  )
  const taken = before - (await client.stock()).pizza
  const repeats = now.repeats - known.repeats
  return {
    how,
    by: 'publishing',
    order_id,
    deliveries: 1 + now.all - known.all,
    repeats,
    ordered: quantity,
    taken,
  }
}

/** Longer than the experiment: the delivery is held until the delay is cleared. */
const HOLD_SECONDS = 120

/**
 * Cuts the connection of the inventory service while it holds a delivery that it has not acknowledged. The broker
 * delivers it again, and the handler that was held goes on as well: one message, worked on twice at once.
 */
async function cutWhileHeld(bench: Bench, { how, quantity }: Omit<Repeating, 'copies'>): Promise<Delivered> {
  const { client, probe, progress, signal } = bench
  const before = (await client.stock()).pizza
  const known = await settled(client)
  const flagged = (await probe.sampled(QUEUE)).redelivered
  await client.command('inventory', '/admin/delay', { seconds: HOLD_SECONDS })
  const order_id = await whileHeld(bench, () => bench.place(quantity))

  progress(`${how}: inventory holds the delivery`)
  const connections = await waitFor(
    'the management API to name the consumer',
    async () => nonEmpty(await probe.consumersOf(QUEUE)),
    { signal },
  )
  for (const connection of connections) await probe.cutConnection(connection)

  progress(`${how}: waiting for the broker to deliver it again`)
  const redelivered = await waitFor(
    'a delivery with the redelivered flag',
    async () => (await probe.sampled(QUEUE)).redelivered - flagged || undefined,
    { signal, timeoutMs: 30_000 },
  )
  await client.clearFaults('inventory')
  await reserved(bench, order_id)
  const now = await waitFor(
    'the redelivery to be settled',
    async () => {
      const counts = await settled(client)
      return counts.all > known.all && counts
    },
    { signal },
  )
  const taken = before - (await client.stock()).pizza
  const repeats = now.repeats - known.repeats
  return { how, by: 'the broker', order_id, deliveries: 1 + redelivered, repeats, ordered: quantity, taken }
}

/**
 * Places an order and waits until its message is with the consumer: the broker has confirmed it, the queue has nothing
 * ready, and the consumer acknowledges nothing while it is delayed.
 */
async function whileHeld({ client, probe, signal }: Bench, place: () => Promise<string>): Promise<string> {
  const confirmed = async () =>
    counterIn(await metricsOf(client, 'order'), 'lab_messages_published_total', {})
  const before = await confirmed()
  const order_id = await place()
  await waitFor('the broker to confirm the message', async () => (await confirmed()) > before, { signal })
  await waitFor('the message to be delivered', async () => (await probe.depth(QUEUE)).ready === 0, { signal })
  return order_id
}

async function copyOf({ placed, signal }: Bench, order_id: string) {
  return placed.find(
    `the message of order ${order_id}`,
    ({ properties }) => properties.correlationId === order_id,
    { signal },
  )
}

async function reserved({ stream }: Bench, order_id: string): Promise<void> {
  await stream.completed([order_id], {
    passes: (status) => status === 'reserved',
    what: 'reserved',
    timeoutMs: 15_000,
  })
}

/** Deliveries the running inventory process has settled; a restarted one counts from 0. */
async function settled(client: PartClient): Promise<{ all: number; repeats: number }> {
  const text = await metricsOf(client, 'inventory')
  const count = (labels: Record<string, string>) =>
    counterIn(text, 'lab_messages_consumed_total', { source: QUEUE, ...labels })
  return { all: count({}), repeats: count({ outcome: 'duplicate' }) }
}

const metricsOf = async (client: PartClient, role: Role) =>
  String(await client.read(role, '/metrics', { accept: 'text/plain' }))

const nonEmpty = <Item>(items: Item[]): Item[] | undefined => (items.length === 0 ? undefined : items)
