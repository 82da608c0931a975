import { waitFor } from '@lab/kit/wait.ts'
import { openTcpProxy } from '@lab/stack/tcp-proxy.ts'
import { z } from 'zod'
import type { ObservedDeadLetter } from '../ledger/observed.ts'
import { type Guarantees, type PartDriver, storeOf } from '../part.ts'
import { openRabbitProbe, type RabbitProbe } from '../probes/rabbit.ts'
import type { RunningTrio } from '../trio.ts'

export const INVENTORY_QUEUE = 'inventory_queue'
const DEAD_LETTER_QUEUE = 'dlq_queue'
const QUEUES = [INVENTORY_QUEUE, 'order_status_queue', 'notification_queue']
const LOOK_AT_MOST = 10_000
const Decision = z.object({ id: z.string(), subject: z.string() })

/** Part B: RabbitMQ. */
export const asyncRabbitmq: PartDriver = {
  style: 'RabbitMQ',
  promises: { notifies: 'always', ordersPerKey: false },
  completes: 'stream',

  async watch({ part, client, signal }) {
    const probe = await openRabbitProbe(part.rabbit!)
    const ready = async (queue: string) => (await probe.depth(queue)).ready
    const backlog = async () => {
      const depths = []
      for (const place of QUEUES) depths.push({ place, messages: await ready(place) })
      return depths
    }
    /** A queue with nothing ready can still have deliveries under way: their effects tell when they have arrived. */
    const isSettled = async () => {
      if ((await backlog()).some(({ messages }) => messages > 0)) return false
      const orders = await client.orders()
      const reserved = orders.filter(({ status }) => status === 'reserved').length
      return (
        orders.every(({ status }) => status !== 'placed') && (await client.notifications()).length >= reserved
      )
    }
    return {
      counts: `messages in ${INVENTORY_QUEUE}`,
      waiting: () => ready(INVENTORY_QUEUE),
      backlog,
      settled: async (timeoutMs) => {
        await waitFor('the queues to be worked off', isSettled, { timeoutMs, everyMs: 100, signal })
      },
      card: async () => cardOf(part, await consumedAs(probe, signal)),
      sources: async () => ({
        backlog: await backlog(),
        deadLetters: (await ready(DEAD_LETTER_QUEUE)) === 0 ? [] : await deadLetters(probe),
      }),
      [Symbol.asyncDispose]: probe.close,
    }
  },

  async repeater({ part, signal }) {
    const probe = await openRabbitProbe(part.rabbit!)
    const placed = await probe.tap('order.placed')
    return {
      how: 'the message published again',
      repeat: async ({ order_id }, copies) => {
        const isIts = ({ properties }: (typeof placed.messages)[number]) =>
          properties.correlationId === order_id
        const message = await placed.find(`the message of order ${order_id}`, isIts, { signal })
        for (let copy = 0; copy < copies; copy++) {
          await probe.publish(message.routingKey, message.body, message.properties)
        }
      },
      [Symbol.asyncDispose]: probe.close,
    }
  },

  poison: {
    places: QUEUES,
    put: async ({ rabbit }, queue, bodies) => {
      await using probe = await openRabbitProbe(rabbit!)
      for (const [at, body] of bodies.entries())
        await probe.sendToQueue(queue, body, { messageId: `${queue}-${at}` })
    },
    deadLetters: async ({ rabbit }) => {
      await using probe = await openRabbitProbe(rabbit!)
      return (await probe.depth(DEAD_LETTER_QUEUE)).ready
    },
  },

  /** Between all services and the broker. */
  async wire({ server }) {
    const rabbit = await server('rabbitmq')
    const { hostname, port } = new URL(rabbit.url)
    const upstream = { host: hostname, port: Number(port || 5672) }
    const wire = await openTcpProxy({ upstream })
    const through = { ...rabbit, url: withAddress(rabbit.url, '127.0.0.1', wire.port) }
    const direct = (part: RunningTrio) => ({
      ...part,
      rabbit: { ...part.rabbit!, url: withAddress(part.rabbit!.url, upstream.host, upstream.port) },
    })
    return { options: { rabbit: through }, wire, direct, close: () => wire.close() }
  },

  /** The same event may be published again, and consumers know it by its id: another id is another decision. */
  async decisions({ rabbit }) {
    const probe = await openRabbitProbe(rabbit!)
    const { messages } = await probe.tap('inventory.*')
    return {
      seen: async () =>
        messages.map(({ body }) => {
          const { id, subject } = Decision.parse(JSON.parse(String(body)))
          return { order_id: subject, identity: id }
        }),
      close: probe.close,
    }
  },

  // Three heartbeats of 5 s go by before either side gives a silent one up.
  faults: { serviceMs: 5_000, stalledMs: 5_000, brokerMs: 15_000, stallMs: 17_000, silentMs: 17_000 },
}

type ConsumedAs = Awaited<ReturnType<RabbitProbe['consumedAs']>>

/** `consumed` is as the broker shows it; without it the card says what is not known. */
const cardOf = (part: Pick<RunningTrio, 'dataDir'>, consumed: ConsumedAs): Guarantees => ({
  'accepted means': '202: the order and its message are in the outbox',
  acknowledgements: acknowledgement(consumed),
  'publisher confirms': 'each message, many in flight',
  prefetch: consumed === undefined ? 'not shown by the broker' : String(consumed.prefetch),
  batch: 'what has arrived, up to the prefetch, in one transaction',
  durability: `${queueKind(consumed)}, persistent messages; ${storeOf(part)}`,
  partitions: 'one queue',
})

const acknowledgement = (consumed: ConsumedAs): string => {
  if (consumed === undefined) return 'after the commit'
  return consumed.isAcknowledged ? 'manual, after the commit' : 'none'
}

const queueKind = (consumed: ConsumedAs): string =>
  consumed === undefined ? 'queue' : `${consumed.isDurable ? 'durable ' : ''}${consumed.queueType} queue`

/** The management API shows a new consumer within five seconds. */
async function consumedAs(probe: RabbitProbe, signal: AbortSignal) {
  const shown = waitFor('the consumer to be shown', () => probe.consumedAs(INVENTORY_QUEUE), {
    timeoutMs: 7_000,
    signal,
  })
  return shown.catch(() => undefined)
}

async function deadLetters(probe: RabbitProbe): Promise<ObservedDeadLetter[]> {
  const messages = await probe.peek(DEAD_LETTER_QUEUE, LOOK_AT_MOST)
  return messages.map(({ headers, properties }) => ({
    place: DEAD_LETTER_QUEUE,
    reason: String(headers['x-reason'] ?? 'no reason'),
    ...(typeof properties.correlation_id === 'string' && { order_id: properties.correlation_id }),
  }))
}

function withAddress(url: string, host: string, port: number): string {
  const changed = new URL(url)
  changed.hostname = host
  changed.port = String(port)
  return changed.href
}
