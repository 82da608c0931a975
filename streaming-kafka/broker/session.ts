import { settlesWithin } from '@lab/kit/bounded.ts'
import type { Consumer } from 'kafkajs'
import { giveBack } from './answer-bytes.ts'
import { Batch } from './batch.ts'
import { createKafka, type KafkaSettings } from './client.ts'
import { exclusiveAssigner } from './exclusive-assigner.ts'
import type { Offset } from './positions.ts'

/**
 * A process that is silent for three of these loses its partitions, also when it is only starved. The session time-out is
 * also how long a restart after SIGKILL waits for its own ghost. By default it is the shortest that a broker allows by
 * default: with 8 s the first order was done 6.7 s after the restart, with 6 s after 5.0 s (`fault-matrix`, 1.5 s of
 * outage, medians of three).
 */
const HEARTBEATS_PER_SESSION = 3
const REBALANCE_TIMEOUT_MS = 10_000
/** An idle fetch waits this long at the broker. A new record ends the wait at once, so it adds no latency. */
const MAX_WAIT_MS = 200
/**
 * Two batches of a bulk and a bit, or what the inventory makes of them in one transaction. A broker cuts at the byte, and what was cut off
 * is asked for again: with 256 KiB two of three partitions of a transaction came for nothing. More makes a service larger and no faster.
 */
const MAX_BYTES_PER_PARTITION = 384 * 1024
const SILENCE_MS = 20_000
const DISCONNECT_WITHIN_MS = 5_000

/** Partitions by topic. */
export type Assignment = Record<string, number[]>

export interface Skipped {
  topic: string
  partition: number
  from: number
  next: number
}

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
  /** A fetch brought nothing but transaction markers or aborted records, from this offset to before the next. */
  onSkipped: (skipped: Skipped) => void
}

export interface Session {
  seek: (offset: Offset) => void
  commit: (offsets: Offset[]) => Promise<void>
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
  const { prefix } = settings
  const full = (topic: string) => `${prefix}${topic}`
  const short = (topic: string) => topic.slice(prefix.length)
  const ended = Promise.withResolvers<unknown>()
  const closing = new AbortController()
  const clock = watch(consumer, () => ended.resolve(new Error(`no sign of life for ${SILENCE_MS} ms`)))

  const seek = ({ topic, partition, offset }: Offset) =>
    consumer.seek({ topic: full(topic), partition, offset: String(offset) })
  const commit = (offsets: Offset[]) =>
    consumer.commitOffsets(
      offsets.map(({ topic, partition, offset }) => ({
        topic: full(topic),
        partition,
        offset: String(offset),
      })),
    )
  const close = async () => {
    clock.stop()
    closing.abort()
    // Against a frozen broker the library waits for ever; the socket is then left to its own timeouts.
    await settlesWithin(consumer.disconnect(), DISCONNECT_WITHIN_MS)
  }
  consumer.on('consumer.crash', ({ payload }) => ended.resolve(payload.error))
  consumer.on('consumer.group_join', ({ payload }) => {
    const assigned = Object.fromEntries(
      Object.entries(payload.memberAssignment as Assignment).map(([topic, all]) => [short(topic), all]),
    )
    options.onAssigned(assigned)
    seekPositions(seek, assigned, options.positionOf)
  })
  consumer.on('consumer.end_batch_process', ({ payload }) => {
    const { partition, batchSize, firstOffset, lastOffset } = payload
    if (batchSize > 0) return
    const [from, next] = [Number(firstOffset), Number(lastOffset) + 1]
    options.onSkipped({ topic: short(payload.topic), partition, from, next })
  })

  try {
    await consumer.connect()
    // Never `false`: after an offset that no longer exists the library would jump to the end and skip silently.
    await consumer.subscribe({ topics: options.topics.map(full), fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency,
      eachBatch: async (payload) => {
        const topic = short(payload.batch.topic)
        const batch = new Batch(payload, { topic, closing: closing.signal })
        await options.onBatch(batch)
        // What is left early may have work on its way that still reads it.
        if (batch.isDone) giveBack(batch.messages)
      },
    })
  } catch (err) {
    await close()
    throw err
  }
  return { seek, commit, lastActivity: clock.lastActivity, ended: ended.promise, end: ended.resolve, close }
}

function createConsumer(settings: KafkaSettings, options: SessionOptions): Consumer {
  const retry = {
    initialRetryTime: 100,
    maxRetryTime: 1_000,
    retries: 5,
    restartOnFailure: async () => false,
  }
  return createKafka(settings, { retry }).consumer({
    groupId: `${settings.prefix}${options.groupId}`,
    retry,
    partitionAssigners: [exclusiveAssigner(options.member)],
    sessionTimeout: settings.sessionTimeoutMs,
    heartbeatInterval: Math.floor(settings.sessionTimeoutMs / HEARTBEATS_PER_SESSION),
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    maxWaitTimeInMs: MAX_WAIT_MS,
    maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
    allowAutoTopicCreation: false,
  })
}

/** The library emits the join before its first fetch, so this decides where that fetch starts. */
function seekPositions(
  seek: Session['seek'],
  assigned: Assignment,
  positionOf: SessionOptions['positionOf'],
) {
  for (const [topic, partitions] of Object.entries(assigned)) {
    for (const partition of partitions) {
      const offset = positionOf(topic, partition)
      if (offset !== undefined) seek({ topic, partition, offset })
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
