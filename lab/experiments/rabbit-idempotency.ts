import { counterIn } from '@lab/kit/counter-in.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { isReserved } from '../ledger/observed.ts'
import { orderIds } from '../load/closed-loop.ts'
import type { OrderStreamClient } from '../load/order-stream.ts'
import type { PartClient, Role } from '../parts/client.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { openRabbitProbe, type RabbitProbe, type Tap } from '../probes/rabbit.ts'
import { openBench, type Bench as PartBench } from './bench.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, says, tableOf } from './experiment.ts'

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
  await using opened = await openBench(context, { durable: true })
  const { part, client, signal } = opened
  await using probe = await openRabbitProbe(part.rabbit!)
  const bench: Bench = {
    ...opened,
    probe,
    placed: await probe.tap('order.placed'),
    stream: await client.stream(),
  }
  const killAndRestart = async () => {
    await part.inventory.kill()
    await part.inventory.start()
  }
  const delivered = [
    await republish(bench, { how: 'published again', quantity: 3, copies: context.params.copies }),
    await cutWhileHeld(bench, { how: 'redelivered: its connection was cut', quantity: 2 }),
    await republish(bench, {
      how: 'published again after SIGKILL',
      quantity: 4,
      copies: 1,
      between: killAndRestart,
    }),
  ]
  // Every queue and outbox is worked off in order: once a later order is notified, whatever the repeats had led to would
  // have arrived before it.
  const fence = await placePizzas(bench, 1)
  const arrived = async () => (await client.notifications()).some(({ order_id }) => order_id === fence)
  await waitFor('the notification of the last order', arrived, { signal })

  const notifications = await client.notifications()
  const deliveries = delivered.map((each) => ({
    ...each,
    notified: notifications.filter(({ order_id }) => order_id === each.order_id).length,
  }))
  return {
    checks: [
      ...deliveries.map(({ how, by, deliveries: count, repeats, ordered, taken }) =>
        check(
          `${how}: stock moves once`,
          // Of copies that were published, every one has to be recognised. When the broker delivers again, the delivery
          // that was cut off may be the later of the two, and its channel is gone: nobody settles or counts it.
          taken === ordered && count > 1 && (by === 'the broker' || repeats === count - 1),
          `${count} deliveries, ${repeats} recognised as repeats; ${ordered} ordered, ${taken} taken`,
        ),
      ),
      check(
        'each order is notified once',
        deliveries.every(({ notified }) => notified === 1),
        deliveries.map(({ how, notified }) => `${how}: ${notified}`).join('; '),
      ),
      ledgerCheck('', await opened.ledger()),
    ],
    tables: [
      tableOf('One message, delivered more than once', deliveries, [
        ['how', ({ how }) => how],
        ['deliveries', (one) => one.deliveries],
        ['told apart as repeats', ({ repeats }) => repeats],
        ['pizzas ordered', ({ ordered }) => ordered],
        ['pizzas taken', ({ taken }) => taken],
        ['notifications', ({ notified }) => notified],
      ]),
    ],
    says: says('async-rabbitmq', [
      [
        'the same message again',
        `${deliveries.reduce((sum, one) => sum + one.deliveries, 0)} deliveries of ${deliveries.length} messages: ${deliveries.length} effects`,
      ],
    ]),
    data: { deliveries },
  }
}

const QUEUE = 'inventory_queue'

interface Bench extends PartBench {
  probe: RabbitProbe
  /** Copies of every `order.placed`. */
  placed: Tap
  stream: OrderStreamClient
}

interface Repeating {
  how: string
  quantity: number
  copies: number
  /** Happens after the order is reserved and before its message is published again. */
  between?: () => Promise<void>
}

/** Publishes the message that announced an order again, as it was: the same body, properties and message id. */
async function republish(bench: Bench, { how, quantity, copies, between }: Repeating) {
  const { client, probe, placed, progress, signal } = bench
  const before = (await client.stock()).pizza
  const order_id = await placePizzas(bench, quantity)
  const message = await placed.find(
    `the message of order ${order_id}`,
    ({ properties }) => properties.correlationId === order_id,
    { signal },
  )
  await reserved(bench, order_id)
  await between?.()

  const known = await settled(client)
  for (let copy = 0; copy < copies; copy++)
    await probe.publish(message.routingKey, message.body, message.properties)
  const allSettled = async () => {
    const { all, repeats } = await settled(client)
    progress(`${how}: ${all - known.all} of ${copies} copies settled`)
    return all - known.all >= copies && { all: all - known.all, repeats: repeats - known.repeats }
  }
  const { all, repeats } = await waitFor(`inventory to settle ${copies} copies`, allSettled, { signal })
  const taken = before - (await client.stock()).pizza
  return { how, by: 'publishing', order_id, deliveries: 1 + all, repeats, ordered: quantity, taken }
}

/** Longer than the experiment: the delivery is held until the delay is cleared. */
const HOLD_SECONDS = 120

/**
 * Cuts the connection of the inventory service while it holds a delivery that it has not acknowledged. The broker
 * delivers it again, and the handler that was held goes on as well: one message, worked on twice at once.
 */
async function cutWhileHeld(bench: Bench, { how, quantity }: Omit<Repeating, 'copies'>) {
  const { client, probe, progress, signal } = bench
  const before = (await client.stock()).pizza
  const known = await settled(client)
  const flagged = (await probe.sampled(QUEUE)).redelivered
  await client.command('inventory', '/admin/delay', { seconds: HOLD_SECONDS })
  const order_id = await placeHeld(bench, quantity)

  progress(`${how}: inventory holds the delivery`)
  const named = async () => {
    const connections = await probe.consumersOf(QUEUE)
    return connections.length > 0 && connections
  }
  for (const connection of await waitFor('the management API to name the consumer', named, { signal }))
    await probe.cutConnection(connection)

  progress(`${how}: waiting for the broker to deliver it again`)
  const redelivered = await waitFor(
    'a delivery with the redelivered flag',
    async () => (await probe.sampled(QUEUE)).redelivered - flagged || undefined,
    { signal, timeoutMs: 30_000 },
  )
  await client.clearFaults('inventory')
  await reserved(bench, order_id)
  const isSettled = async () => {
    const { all, repeats } = await settled(client)
    return all > known.all && { repeats: repeats - known.repeats }
  }
  const { repeats } = await waitFor('the redelivery to be settled', isSettled, { signal })
  const taken = before - (await client.stock()).pizza
  return { how, by: 'the broker', order_id, deliveries: 1 + redelivered, repeats, ordered: quantity, taken }
}

/** Answers the order id. */
async function placePizzas(bench: Bench, quantity: number): Promise<string> {
  const load = await bench.place(1, { order: () => ({ item: 'pizza', quantity }) })
  const [order_id] = orderIds(load)
  if (!order_id) throw new Error(`the order was not accepted: ${JSON.stringify(load)}`)
  return order_id
}

/**
 * Places an order and waits until its message is with the consumer: the broker has confirmed it, the queue has nothing
 * ready, and the consumer acknowledges nothing while it is delayed.
 */
async function placeHeld(bench: Bench, quantity: number): Promise<string> {
  const { client, probe, signal } = bench
  const confirmed = async () =>
    counterIn(await metricsOf(client, 'order'), 'lab_messages_published_total', {})
  const before = await confirmed()
  const order_id = await placePizzas(bench, quantity)
  await waitFor('the broker to confirm the message', async () => (await confirmed()) > before, { signal })
  await waitFor('the message to be delivered', async () => (await probe.depth(QUEUE)).ready === 0, { signal })
  return order_id
}

const reserved = ({ stream }: Bench, order_id: string) =>
  stream.completed([order_id], { passes: isReserved, what: 'reserved', timeoutMs: 15_000 })

/** Deliveries that the running inventory process has settled; a repeat had no effect, as its message id was known. */
async function settled(client: PartClient): Promise<{ all: number; repeats: number }> {
  const text = await metricsOf(client, 'inventory')
  const count = (labels: Record<string, string>) =>
    counterIn(text, 'lab_messages_consumed_total', { source: QUEUE, ...labels })
  return { all: count({}), repeats: count({ outcome: 'duplicate' }) }
}

const metricsOf = async (client: PartClient, role: Role) =>
  String(await client.read(role, '/metrics', { accept: 'text/plain' }))
