import { counterIn } from '@lab/kit/counter-in.ts'
import { waitFor } from '@lab/kit/wait.ts'
import type { OrderStreamClient } from '../load/order-stream.ts'
import type { RabbitProbe, Tap } from '../probes/rabbit.ts'
import type { RunningTrio } from '../trio.ts'
import type { ExperimentContext } from './experiment.ts'
import type { PartClient, Role } from './part-client.ts'

const QUEUE = 'inventory_queue'

export interface Bench extends Pick<ExperimentContext<unknown>, 'progress' | 'signal'> {
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
export interface Delivered {
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
export async function republish(
  bench: Bench,
  { how, quantity, copies, between }: Repeating,
): Promise<Delivered> {
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
export async function cutWhileHeld(
  bench: Bench,
  { how, quantity }: Omit<Repeating, 'copies'>,
): Promise<Delivered> {
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
