import { settlesWithin } from '@lab/kit/bounded.ts'
import { messageOf } from '@lab/kit/errors.ts'
import type { Faults } from '@lab/kit/faults.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { ack, deadLetter } from '@lab/kit/outcome.ts'
import { pause } from '@lab/kit/wait.ts'
import type { EachBatchPayload, KafkaMessage, Producer } from 'kafkajs'
import { Partitioners } from 'kafkajs'
import type { z } from 'zod'
import { createKafka, type KafkaSettings } from './client.ts'
import { deadLettersOf, ensureTopics } from './topics.ts'

/** An event as it was read, with its place in the log. */
export interface Received<Event> {
  event: Event
  topic: string
  partition: number
  offset: string
  /** When the broker got it. */
  loggedAt: Date
}

interface Schema<Event> {
  safeParse: (data: unknown) => z.ZodSafeParseResult<Event>
}

export interface ConsumerOptions<Event> {
  groupId: string
  /** What is read of each topic. */
  topics: Record<string, Schema<Event>>
  /**
   * Takes events of one partition, in their order. Offsets are committed once it has resolved: its effects must be in place by
   * then, and the same events may come again. What it throws is tried again until it goes; put aside are `Poison`, and what the
   * database refuses for what it is.
   */
  onEvents: (events: Received<Event>[]) => Promise<void>
  /** They act on each batch, before it is taken. */
  faults: Faults
  metrics: Metrics
}

/** Thrown for an event that can never be handled: it becomes a dead letter, and the others of the batch go on. */
export class Poison extends Error {
  readonly offset: string

  constructor(offset: string, reason: string) {
    super(reason)
    this.offset = offset
  }
}

export interface RunningConsumer {
  /** `ok`, or what it is doing instead. */
  state: () => string
  close: () => Promise<void>
}

const MAX_EVENT_BYTES = 256 * 1024
const BACKOFF_MS = [100, 250, 500, 1_000, 2_000]
const SILENCE_MS = 20_000
const STALE_MS = 5_000
const backoff = (failures: number) => BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)]!

/** Consumes until closed: whatever ends a session, a new one is opened with back-off. */
export function runConsumer<Event>(
  settings: KafkaSettings,
  options: ConsumerOptions<Event>,
): RunningConsumer {
  const { log, prefix } = settings
  const closing = new AbortController()
  let state = 'connecting'
  let lastSign = 0

  async function session(): Promise<void> {
    await ensureTopics(settings)
    const kafka = createKafka(settings)
    const consumer = kafka.consumer({
      groupId: `${prefix}${options.groupId}`,
      sessionTimeout: 6_000,
      heartbeatInterval: 2_000,
      rebalanceTimeout: 10_000,
      // An event that comes ends the wait.
      maxWaitTimeInMs: 1_000,
      allowAutoTopicCreation: false,
    })
    const letters = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    const ended = Promise.withResolvers<unknown>()
    const alive = () => {
      lastSign = Date.now()
    }
    consumer.on('consumer.crash', ({ payload }) => ended.resolve(payload.error))
    consumer.on('consumer.group_join', () => {
      alive()
      state = 'ok'
    })
    consumer.on('consumer.fetch', alive)
    consumer.on('consumer.heartbeat', alive)
    const watch = setInterval(() => {
      if (lastSign > 0 && Date.now() - lastSign > SILENCE_MS) ended.resolve(new Error('no sign of life'))
    }, 1_000)
    const onAbort = () => ended.resolve(undefined)
    closing.signal.addEventListener('abort', onAbort, { once: true })
    try {
      await consumer.connect()
      await letters.connect()
      await consumer.subscribe({
        topics: Object.keys(options.topics).map((topic) => `${prefix}${topic}`),
        fromBeginning: true,
      })
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 3,
        eachBatch: (payload) =>
          takeBatch(payload, letters, (offset) => {
            const { topic, partition } = payload.batch
            return consumer.commitOffsets([{ topic, partition, offset }])
          }),
      })
      if (closing.signal.aborted) return
      const reason = await ended.promise
      if (reason !== undefined) throw reason
    } finally {
      clearInterval(watch)
      closing.signal.removeEventListener('abort', onAbort)
      lastSign = 0
      state = 'connecting'
      await settlesWithin(consumer.disconnect(), 5_000)
      await settlesWithin(letters.disconnect(), 1_000)
    }
  }

  const handle = async (events: Received<Event>[]) => {
    if (options.faults.isActive) await options.faults.apply()
    await options.onEvents(events)
  }

  async function takeBatch(
    payload: EachBatchPayload,
    letters: Producer,
    commit: (offset: string) => Promise<void>,
  ): Promise<void> {
    const { batch, heartbeat, isRunning, isStale } = payload
    const topic = batch.topic.slice(prefix.length)
    const startedAt = performance.now()
    const poison: { message: KafkaMessage; reason: string }[] = []
    const events: Received<Event>[] = []
    for (const message of batch.messages) {
      const read = readEvent(message, options.topics[topic]!)
      if ('reason' in read) poison.push({ message, reason: read.reason })
      else
        events.push({
          event: read.event,
          topic,
          partition: batch.partition,
          offset: message.offset,
          loggedAt: new Date(Number(message.timestamp)),
        })
    }
    const isCurrent = () => isRunning() && !isStale() && !closing.signal.aborted
    const aside = (offset: string, reason: string) =>
      poison.push({ message: batch.messages.find((one) => one.offset === offset)!, reason })
    const taken: Received<Event>[] = []
    for (let waiting = [events], failures = 0; waiting.length > 0; ) {
      const [some = [], ...later] = waiting
      const handling = some.length > 0 ? handle(some) : Promise.resolve()
      while (!(await settlesWithin(handling, 500))) await heartbeat()
      try {
        await handling
        taken.push(...some)
        waiting = later
      } catch (err) {
        if (err instanceof Poison) {
          aside(err.offset, err.message)
          waiting = [some.filter(({ offset }) => offset !== err.offset), ...later]
        } else if (!isRefusedByDatabase(err)) {
          log.warn({ err, topic, partition: batch.partition }, 'events wait: they could not be handled')
          if (!isCurrent()) return
          await pause(backoff(failures++), closing.signal)
          await heartbeat()
        } else if (some.length > 1) {
          // Which of them it was shows when each comes alone.
          waiting = [...some.map((one) => [one]), ...later]
        } else {
          aside(some[0]!.offset, messageOf(err))
          waiting = later
        }
      }
      if (waiting.length > 0 && !isCurrent()) return
    }
    for (const letter of poison) await putAside(letters, batch, letter)
    await commit(String(BigInt(batch.lastOffset()) + 1n))
    payload.resolveOffset(batch.lastOffset())
    const outcomes = [...taken.map(ack), ...poison.map(({ reason }) => deadLetter(reason))]
    options.metrics.messagesConsumed(topic, outcomes, (performance.now() - startedAt) / 1_000)
  }

  async function putAside(
    letters: Producer,
    { topic, partition }: { topic: string; partition: number },
    { message, reason }: { message: KafkaMessage; reason: string },
  ) {
    const headers = {
      origin_topic: topic.slice(prefix.length),
      origin_partition: String(partition),
      origin_offset: message.offset,
      consumer: options.groupId,
      reason: reason.slice(0, 500),
    }
    const { key, value } = message
    await letters.send({ topic: deadLettersOf(topic), acks: -1, messages: [{ key, value, headers }] })
    log.warn(headers, 'dead letter')
  }

  const finished = (async () => {
    for (let failures = 0; !closing.signal.aborted; failures++) {
      const startedAt = Date.now()
      await session().catch((err) => {
        state = `connecting: ${messageOf(err)}`
        log.warn({ reason: messageOf(err) }, 'consumer starts again')
      })
      if (Date.now() - startedAt > 30_000) failures = 0
      await pause(backoff(failures), closing.signal)
    }
  })()

  return {
    state: () => (state === 'ok' && Date.now() - lastSign > STALE_MS ? 'connecting' : state),
    close: async () => {
      closing.abort()
      await finished
    },
  }
}

/** Data that the database will never take, as the SQLSTATE says: a value it has no place for, a rule that is broken. */
const isRefusedByDatabase = (err: unknown) => /^2[23][\dA-Z]{3}$/.test((err as { code?: string }).code ?? '')

function readEvent<Event>(
  { key, value, ...message }: KafkaMessage & { unreadable?: string },
  schema: Schema<Event>,
): { event: Event } | { reason: string } {
  if (message.unreadable !== undefined) return { reason: message.unreadable }
  if (value === null) return { reason: 'no value' }
  if (value.length > MAX_EVENT_BYTES)
    return { reason: `${value.length} bytes, the limit is ${MAX_EVENT_BYTES}` }
  let body: unknown
  try {
    body = JSON.parse(value.toString())
  } catch {
    return { reason: 'not JSON' }
  }
  const parsed = schema.safeParse(body)
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
    return { reason: issues.join('; ') }
  }
  const { subject } = parsed.data as { subject?: string }
  if (key?.toString() !== subject) return { reason: 'key and subject differ' }
  return { event: parsed.data }
}
