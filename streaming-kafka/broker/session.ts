import type { Consumer } from 'kafkajs'
import { Batch } from './batch.ts'
import { createKafka, type KafkaSettings } from './client.ts'
import { exclusiveAssigner } from './exclusive-assigner.ts'
import { settlesWithin } from './waits.ts'

/**
 * A dead member's partitions are free after this; also how long a restart after SIGKILL waits for its own ghost. It is the
 * shortest a broker allows by default (`group.min.session.timeout.ms`): with 8 s the first order was done 6.7 s after the
 * restart, with 6 s after 5.0 s (`fault-matrix`, 1.5 s of outage, medians of three). The price: a process that is silent
 * for 6 s, three heartbeats, loses its partitions, also when it is only starved.
 */
export const SESSION_TIMEOUT_MS = 6_000
const HEARTBEAT_INTERVAL_MS = 2_000
const REBALANCE_TIMEOUT_MS = 10_000
/** An idle fetch waits this long at the broker. A new record ends the wait at once, so it adds no latency. */
const MAX_WAIT_MS = 200
/** About 500 orders. Larger fetches are no faster, and what they decode outlives the young generation of the heap. */
const MAX_BYTES_PER_PARTITION = 256 * 1024
const SILENCE_MS = 20_000
const DISCONNECT_WITHIN_MS = 5_000

/** Partitions by topic. */
export type Assignment = Record<string, number[]>

export interface SessionOptions {
  groupId: string
  topics: string[]
  /** Names this process among the members; every partition goes to one member. */
  member: string
  /** Batches handled at the same time, each of another partition. */
  concurrency: number
  onAssigned: (assigned: Assignment) => void
  /** Where to read a partition from after a join; undefined for the committed offset. */
  positionOf: (topic: string, partition: number) => number | undefined
  onBatch: (batch: Batch) => Promise<void>
  /** A fetch brought nothing but transaction markers or aborted records: go on at `nextOffset`. */
  onSkipped: (topic: string, partition: number, nextOffset: number) => void
}

export interface Session {
  consumer: Consumer
  /** When the broker was last heard of, milliseconds since the epoch. */
  lastActivity: () => number
  /** Resolves with the reason when this session is over and a new one has to be opened. */
  ended: Promise<unknown>
  end: (reason: unknown) => void
  close: () => Promise<void>
}

/**
 * One kafkajs consumer from connecting to its end. Commits are manual, and it never restarts itself: kafkajs restarts
 * after some errors, stops silently after others (a `TypeError` in a handler), and can stall. Here each of these ends
 * the session, and the owner opens a new one.
 */
export async function openSession(settings: KafkaSettings, options: SessionOptions): Promise<Session> {
  const consumer = createConsumer(settings, options)
  const ended = Promise.withResolvers<unknown>()
  const interrupted = Promise.withResolvers<void>()
  const clock = watch(consumer, () => ended.resolve(new Error(`no sign of life for ${SILENCE_MS} ms`)))

  const close = async () => {
    clock.stop()
    interrupted.resolve()
    // Against a frozen broker the library waits for ever; the socket is then left to its own timeouts.
    await settlesWithin(consumer.disconnect(), DISCONNECT_WITHIN_MS)
  }
  consumer.on('consumer.crash', ({ payload }) => ended.resolve(payload.error))
  consumer.on('consumer.group_join', ({ payload }) => {
    const assigned = payload.memberAssignment as Assignment
    options.onAssigned(assigned)
    seekPositions(consumer, assigned, options.positionOf)
  })
  consumer.on('consumer.end_batch_process', ({ payload: { topic, partition, batchSize, lastOffset } }) => {
    if (batchSize === 0) options.onSkipped(topic, partition, Number(lastOffset) + 1)
  })

  try {
    await consumer.connect()
    // Never `false`: after an offset that no longer exists the library would jump to the end and skip silently.
    await consumer.subscribe({ topics: options.topics, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency,
      eachBatch: (payload) => options.onBatch(new Batch(payload, interrupted.promise)),
    })
  } catch (err) {
    await close()
    throw err
  }
  return { consumer, lastActivity: clock.lastActivity, ended: ended.promise, end: ended.resolve, close }
}

function createConsumer(settings: KafkaSettings, { groupId, member }: SessionOptions): Consumer {
  const retry = {
    initialRetryTime: 100,
    maxRetryTime: 1_000,
    retries: 5,
    restartOnFailure: async () => false,
  }
  return createKafka(settings, { retry }).consumer({
    groupId,
    retry,
    partitionAssigners: [exclusiveAssigner(member)],
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    maxWaitTimeInMs: MAX_WAIT_MS,
    maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
    allowAutoTopicCreation: false,
  })
}

/** The library emits the join before its first fetch, so this decides where that fetch starts. */
function seekPositions(consumer: Consumer, assigned: Assignment, positionOf: SessionOptions['positionOf']) {
  for (const [topic, partitions] of Object.entries(assigned)) {
    for (const partition of partitions) {
      const offset = positionOf(topic, partition)
      if (offset !== undefined) consumer.seek({ topic, partition, offset: String(offset) })
    }
  }
}

/** Calls `onSilence` when neither a fetch nor a heartbeat has come back for too long. */
function watch(consumer: Consumer, onSilence: () => void) {
  let last = Date.now()
  const alive = () => {
    last = Date.now()
  }
  consumer.on('consumer.fetch', alive)
  consumer.on('consumer.heartbeat', alive)
  consumer.on('consumer.group_join', alive)
  const timer = setInterval(() => Date.now() - last > SILENCE_MS && onSilence(), 1_000)
  return { lastActivity: () => last, stop: () => clearInterval(timer) }
}
