import { setTimeout as sleep } from 'node:timers/promises'
import { bounded, settlesWithin } from '@lab/kit/bounded.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { Producer } from 'kafkajs'
import { createKafka, type KafkaSettings } from './client.ts'
import { createPartitioner } from './partitioner.ts'

const RECONNECT_MS = 250
const DISCONNECT_WITHIN_MS = 1_000
const RETRY = { initialRetryTime: 100, maxRetryTime: 500, retries: 5 }

/** One producer at a time: connected at first use, and replaced once it is not trusted any more. */
export function reconnectingProducer(
  settings: KafkaSettings,
  { requestTimeoutMs }: { requestTimeoutMs: number },
) {
  let current: Promise<Producer> | undefined

  const connect = async () => {
    const producer = createKafka(settings, { retry: RETRY, requestTimeoutMs }).producer({
      retry: RETRY,
      idempotent: false,
      createPartitioner,
      allowAutoTopicCreation: false,
    })
    await producer.connect()
    return producer
  }

  /** The next call connects anew. Nothing waits for how a producer that is not trusted any more ends. */
  const discard = () => {
    const old = current
    current = undefined
    old
      ?.then((producer) => settlesWithin(producer.disconnect(), DISCONNECT_WITHIN_MS))
      .catch(() => {
        // It never connected, so there is nothing to disconnect.
      })
  }

  return {
    discard,

    /** A connected producer; keeps trying until `deadline` (milliseconds since the epoch), then throws. */
    connected: async (deadline: number): Promise<Producer> => {
      while (Date.now() < deadline) {
        current ??= connect()
        const mine = current
        try {
          return await bounded(mine, deadline - Date.now(), 'connecting')
        } catch {
          // An attempt that is still running is kept for the next caller; one that failed is not.
          if (current === mine && (await settlesWithin(mine, 0))) discard()
          await sleep(Math.max(0, Math.min(RECONNECT_MS, deadline - Date.now())))
        }
      }
      throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', 'Kafka is away', { retryable: true })
    },

    close: async () => {
      const old = current
      current = undefined
      const disconnected = old?.then((producer) => producer.disconnect()) ?? Promise.resolve()
      await settlesWithin(disconnected, DISCONNECT_WITHIN_MS)
    },
  }
}
