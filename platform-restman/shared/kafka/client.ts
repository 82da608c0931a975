import { createRequire } from 'node:module'
import { guardDecoding } from '@lab/kit/kafkajs-decoding.ts'
import { guardRequestQueue } from '@lab/kit/kafkajs-guards.ts'
import type { Logger } from '@lab/kit/log.ts'
import { Kafka, type LogEntry, logLevel } from 'kafkajs'

// What kafkajs 2.2.4 does by itself: an endless timer, and one unreadable batch that stops a partition for ever.
const require = createRequire(import.meta.url)
guardRequestQueue(require)
guardDecoding(require)

export interface KafkaSettings {
  brokers: string[]
  /** What the names of topics and groups begin with at the broker. */
  prefix: string
  replicationFactor: number
  clientId: string
  log: Logger
}

/** A client; each consumer has one of its own, as kafkajs keeps committed offsets by client and group. */
export function createKafka({ brokers, clientId, log }: KafkaSettings): Kafka {
  return new Kafka({
    brokers,
    clientId,
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5, restartOnFailure: async () => false },
    logLevel: logLevel.INFO,
    // What the library says at ERROR it mostly repeats by itself; what a failure means, the caller says.
    logCreator: () => (entry: LogEntry) => log.debug({ kafkajs: entry.namespace }, entry.log.message),
  })
}
