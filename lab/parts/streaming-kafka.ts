import { ITEMS, type Item } from '@lab/common/domain/order.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { openTcpProxy } from '@lab/stack/tcp-proxy.ts'
import { z } from 'zod'
import type { HistoryRecord } from '../ledger/history.ts'
import type { ObservedDecision } from '../ledger/observed.ts'
import { type Guarantees, NotApplicable, type PartDriver } from '../part.ts'
import { openKafkaProbe, type TopicRecord } from '../probes/kafka.ts'
import { counted } from '../report/number.ts'

export const ORDER_EVENTS = 'order-events'
export const INVENTORY_EVENTS = 'inventory-events'
const DEAD_LETTER_TOPIC = 'order-events.dlt'
const GROUP = 'inventory-group'
const READ_MS = 60_000
const Decision = z.object({ id: z.string(), type: z.string(), subject: z.string() })

/** Part C: Kafka. */
export const streamingKafka: PartDriver = {
  style: 'Kafka',
  promises: { notifies: 'never', ordersPerKey: false },
  completes: 'stream',

  async watch({ part, client, signal }) {
    const probe = await openKafkaProbe(part.kafka!)
    const waiting = async () =>
      (await probe.lag(GROUP, ORDER_EVENTS)).reduce((sum, { lag }) => sum + Math.max(0, lag), 0)
    /** The order service learns of the last decisions from their topic. */
    const isSettled = async () =>
      (await waiting()) === 0 && (await client.orders()).every(({ status }) => status !== 'placed')
    return {
      counts: `lag of ${GROUP} in messages`,
      waiting,
      backlog: async () => [{ place: ORDER_EVENTS, messages: await waiting() }],
      settled: async (timeoutMs) => {
        await waitFor('the log to be worked off', isSettled, { timeoutMs, everyMs: 100, signal })
      },
      card: async () => kafkaCard(await probe.layout(ORDER_EVENTS)),
      sources: async () => {
        const decided = await probe.readAll(INVENTORY_EVENTS, { signal, timeoutMs: READ_MS })
        const letters = await probe.readAll(DEAD_LETTER_TOPIC, { signal })
        const decisions = decided.flatMap((record) => decisionOf(record) ?? [])
        // A record that is no decision is accounted for by its dead letter, and waits for it without one.
        const unreadable = Math.max(0, decided.length - decisions.length - letters.length)
        return {
          backlog: [
            { place: ORDER_EVENTS, messages: await waiting() },
            { place: `${INVENTORY_EVENTS}, unreadable`, messages: unreadable },
          ],
          decisions,
          deadLetters: letters.map(({ headers }) => ({
            place: DEAD_LETTER_TOPIC,
            reason: headers.reason ?? 'no reason',
          })),
        }
      },
      [Symbol.asyncDispose]: probe.close,
    }
  },

  async repeater({ part, signal }) {
    const probe = await openKafkaProbe(part.kafka!)
    return {
      how: 'the record produced again',
      repeat: async ({ order_id }, copies) => {
        const records = await probe.readAll(ORDER_EVENTS, { signal })
        const record = records.find(({ key }) => key === order_id)
        if (!record) throw new Error(`${ORDER_EVENTS} has no record of order ${order_id}`)
        await probe.produce(ORDER_EVENTS, Array(copies).fill(record))
      },
      [Symbol.asyncDispose]: probe.close,
    }
  },

  poison: {
    places: [ORDER_EVENTS],
    put: async ({ kafka }, topic, bodies) => {
      await using probe = await openKafkaProbe(kafka!)
      await probe.produce(
        topic,
        bodies.map((value, at) => ({ key: `poison-${at}`, value })),
      )
    },
    deadLetters: async ({ kafka }, signal) => {
      await using probe = await openKafkaProbe(kafka!)
      return (await probe.readAll(DEAD_LETTER_TOPIC, { signal })).length
    },
  },

  /** Between all services and the broker. */
  async wire({ server }) {
    const { proxied } = await server('kafka')
    if (!proxied) throw new NotApplicable('this Kafka has no listener for clients behind a proxy')
    const { listen, upstream } = proxied
    const wire = await openTcpProxy({ port: listen, upstream: { host: '127.0.0.1', port: upstream } })
    return {
      options: { env: { KAFKA_BROKERS: `127.0.0.1:${listen}` } },
      wire,
      close: () => wire.close(),
    }
  },

  /** Committed records only: what a fenced owner had begun is not among them. A second record is a second decision. */
  decisions: async ({ kafka }, signal) => ({
    seen: async () => {
      await using probe = await openKafkaProbe(kafka!)
      const records = await probe.readAll(INVENTORY_EVENTS, { signal, timeoutMs: READ_MS })
      return records.map(({ value, partition, offset }) => ({
        order_id: Decision.parse(JSON.parse(String(value))).subject,
        identity: `${partition}/${offset}`,
      }))
    },
    close: async () => {},
  }),

  // A session of the consumer group and a request of 10 s run out before anybody is given up.
  faults: { serviceMs: 15_000, stalledMs: 15_000, brokerMs: 30_000, stallMs: 12_000, silentMs: 14_000 },
}

/** The orders of a bulk, whose ids nobody is told: items and quantities take turns from its beginning. */
export const bulkRecords = (
  { accepted, unknown = 0 }: { accepted: number; unknown?: number },
  { item, quantity }: { item?: Item | undefined; quantity?: number | undefined } = {},
): HistoryRecord[] =>
  Array.from({ length: accepted + unknown }, (_, n) => ({
    n,
    outcome: n < accepted ? 'ok' : 'unknown',
    item: item ?? ITEMS[n % ITEMS.length]!,
    quantity: quantity ?? (n % 5) + 1,
  }))

export const kafkaCard = (
  { partitions, replicas }: { partitions: number; replicas: number },
  acks: '0' | '1' | 'all' = 'all',
): Guarantees => ({
  'accepted means': acks === '0' ? '202: sent, nobody has answered' : '202: the log has it',
  acknowledgements: `acks=${acks}, one request in flight; offsets committed after the decision is written`,
  'publisher confirms': 'the acks',
  prefetch: 'none: a fetch brings what there is',
  batch: 'what comes together, up to 1,000 records a request',
  durability: `${counted(replicas, 'replica')} of the log; state is rebuilt from it`,
  partitions: String(partitions),
})

/** Undefined for a record that is no decision. */
function decisionOf({ value }: TopicRecord): ObservedDecision | undefined {
  const { data } = Decision.safeParse(parseJson(String(value)))
  if (!data) return undefined
  const { id, type, subject } = data
  return { order_id: subject, event_id: id, status: type === 'InventoryReserved' ? 'reserved' : 'failed' }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
