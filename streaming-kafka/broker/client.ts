import type { Logger } from '@lab/kit/log.ts'
import type { Kafka as Client, RetryOptions } from 'kafkajs'
import { openSocket } from './answers.ts'
import { kafkaLog } from './kafka-log.ts'
import { Kafka, logLevel } from './kafkajs.ts'

/** What every client of one service shares. */
export interface KafkaSettings {
  brokers: string[]
  /**
   * What the names of all topics, groups and transactional ids begin with at the broker. This folder puts it there and takes
   * it off again: everywhere else the names are those of the seed.
   */
  prefix: string
  clientId: string
  /** A dead member's partitions are free after this. */
  sessionTimeoutMs: number
  log: Logger
}

interface ClientOptions {
  retry?: RetryOptions
  requestTimeoutMs?: number
}

/** Retries of the library within one call, about 3 s in all; whoever calls decides what comes after. */
const RETRY: RetryOptions = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 }

/**
 * A kafkajs client. Every consumer gets one of its own: kafkajs keeps committed offsets per client and group, and a
 * second consumer on the same client would clear them.
 */
export function createKafka(
  { brokers, clientId, log }: KafkaSettings,
  { retry, requestTimeoutMs = 10_000 }: ClientOptions = {},
): Client {
  return new Kafka({
    brokers,
    clientId,
    socketFactory: openSocket,
    // The library's 1 s is short for a busy machine or a broker that is starting.
    connectionTimeout: 3_000,
    requestTimeout: requestTimeoutMs,
    retry: { ...RETRY, ...retry },
    logLevel: logLevel.INFO,
    logCreator: kafkaLog(log),
  })
}
