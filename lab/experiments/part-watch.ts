import { waitFor } from '@lab/kit/wait.ts'
import { z } from 'zod'
import type { ObservedDeadLetter, ObservedDecision, Sources } from '../ledger/observed.ts'
import { type KafkaProbe, openKafkaProbe } from '../probes/kafka.ts'
import { openRabbitProbe, type RabbitProbe } from '../probes/rabbit.ts'
import type { RunningTrio, TrioName } from '../trio.ts'
import { type Guarantees, kafkaGuarantees, rabbitGuarantees, restGuarantees } from './guarantees.ts'
import type { PartClient } from './part-client.ts'
import { INVENTORY_EVENTS, ORDER_EVENTS } from './topic-count.ts'

/** The three parts from behind: what waits where, and what only a broker can tell. */
export interface PartWatch extends AsyncDisposable {
  /** What `waiting` counts, e.g. `messages in inventory_queue`. */
  counts: string
  /** How many orders wait for inventory at this moment, as the service or the broker counts. */
  waiting: () => Promise<number>
  /** Resolves when nothing moves any more; rejects when that takes longer than `timeoutMs`. */
  settled: (timeoutMs: number) => Promise<void>
  /** What this style promises as it runs now: read from the broker where the broker knows it. */
  guarantees: () => Promise<Guarantees>
  /** For the ledger; to be called when nothing moves any more. */
  brokerState: () => Promise<NonNullable<Sources['broker']>>
}

export interface Watched {
  part: RunningTrio
  client: PartClient
  signal: AbortSignal
}

export const openPartWatch = (watched: Watched): Promise<PartWatch> => open[watched.part.part](watched)

const open: Record<TrioName, (watched: Watched) => Promise<PartWatch>> = {
  'sync-rest': watchRest,
  'async-rabbitmq': async (watched) => watchRabbit(watched, await openRabbitProbe(watched.part.rabbit!)),
  'streaming-kafka': async (watched) => watchKafka(watched, await openKafkaProbe(watched.part.kafka!)),
}

const Health = z.object({ unsettled: z.number() })

async function watchRest({ part, client, signal }: Watched): Promise<PartWatch> {
  const waiting = async () => Health.parse(await client.read('order', '/health')).unsettled
  return {
    counts: 'unsettled orders',
    waiting,
    settled: async (timeoutMs) => {
      await waitFor('every order to be settled', async () => (await waiting()) === 0, { timeoutMs, signal })
    },
    guarantees: async () => restGuarantees(part),
    brokerState: async () => ({}),
    [Symbol.asyncDispose]: async () => {},
  }
}

const QUEUE = 'inventory_queue'
const QUEUES = [QUEUE, 'order_status_queue', 'notification_queue']
const DEAD_LETTERS = 'dlq_queue'
const LOOK_AT_MOST = 10_000

function watchRabbit({ part, client, signal }: Watched, probe: RabbitProbe): PartWatch {
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
    counts: `messages in ${QUEUE}`,
    waiting: () => ready(QUEUE),
    settled: async (timeoutMs) => {
      await waitFor('the queues to be worked off', isSettled, { timeoutMs, everyMs: 100, signal })
    },
    guarantees: async () => rabbitGuarantees(part, await consumedAs(probe, signal)),
    brokerState: async () => ({
      backlog: await backlog(),
      deadLetters: (await ready(DEAD_LETTERS)) === 0 ? [] : await deadLetters(probe),
    }),
    [Symbol.asyncDispose]: probe.close,
  }
}

/** The management API shows a new consumer within five seconds; without it the card says what is not known. */
async function consumedAs(probe: RabbitProbe, signal: AbortSignal) {
  const shown = waitFor('the consumer to be shown', () => probe.consumedAs(QUEUE), {
    timeoutMs: 7_000,
    signal,
  })
  return shown.catch(() => undefined)
}

async function deadLetters(probe: RabbitProbe): Promise<ObservedDeadLetter[]> {
  const messages = await probe.peek(DEAD_LETTERS, LOOK_AT_MOST)
  return messages.map(({ headers, properties }) => ({
    place: DEAD_LETTERS,
    reason: String(headers['x-reason'] ?? 'no reason'),
    ...(typeof properties.correlation_id === 'string' && { order_id: properties.correlation_id }),
  }))
}

const GROUP = 'inventory-group'
const DEAD_LETTER_TOPIC = 'order-events.dlt'
const Decision = z.object({ id: z.string(), type: z.string(), subject: z.string() })

function watchKafka({ client, signal }: Watched, probe: KafkaProbe): PartWatch {
  const waiting = async () =>
    (await probe.lag(GROUP, ORDER_EVENTS)).reduce((sum, { lag }) => sum + Math.max(0, lag), 0)
  return {
    counts: `lag of ${GROUP} in messages`,
    waiting,
    settled: async (timeoutMs) => {
      // The order service learns of the last decisions from their topic.
      const isSettled = async () =>
        (await waiting()) === 0 && (await client.orders()).every(({ status }) => status !== 'placed')
      await waitFor('the log to be worked off', isSettled, { timeoutMs, everyMs: 100, signal })
    },
    guarantees: async () => kafkaGuarantees(await probe.layout(ORDER_EVENTS)),
    brokerState: async () => {
      const decided = await probe.readAll(INVENTORY_EVENTS, { signal, timeoutMs: 60_000 })
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
}

/** Undefined for a record that is no decision. */
function decisionOf({ value }: { value: Buffer | null }): ObservedDecision | undefined {
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
