import { randomUUID } from 'node:crypto'
import { Hopeless, until, within } from '@lab/kit/wait.ts'
import { countingAll } from '@lab/stack/kafkajs-guard.ts'
import type { KafkaBroker } from '@lab/stack/servers/kafka/broker.ts'
import {
  type Admin,
  type Consumer,
  type IHeaders,
  Kafka,
  type KafkaMessage,
  logLevel,
  Partitioners,
  type Producer,
} from 'kafkajs'
import '@lab/stack/kafkajs-guard.ts'

const CALL_MS = 20_000
/** `ConfigResourceTypes.TOPIC` of kafkajs, which an ES module cannot import by name. */
const TOPIC_RESOURCE = 2

interface Outgoing {
  key: string | null
  value: Buffer | string | null
  headers?: Record<string, string>
}

interface PartitionOffsets {
  partition: number
  /** First offset that is still there. */
  start: bigint
  /** Offset of what comes next; behind an open transaction it is where that began. */
  end: bigint
}

/** One group's lag on one partition, as Kafka's own tools have it: end of the log now minus committed. */
export interface PartitionLag {
  partition: number
  end: bigint
  /** Undefined when the group has not committed here yet; its lag then counts from the start of the log. */
  committed: bigint | undefined
  lag: number
}

export type KafkaProbe = Awaited<ReturnType<typeof openKafkaProbe>>

/**
 * The lab's own connection to Kafka, beside the services. Topics and groups are named as the part names them; the
 * prefix of the broker is put before each. Every call is bounded.
 */
export async function openKafkaProbe(broker: KafkaBroker) {
  const { prefix } = broker
  const kafka = new Kafka({
    clientId: 'lab-probe',
    brokers: broker.brokers,
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    // Every failure comes back as an error; the log would only repeat it.
    logLevel: logLevel.NOTHING,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000 },
  })
  const admin = kafka.admin()
  await bounded('the probe to connect to Kafka', admin.connect())
  // Most uses of the probe only read.
  let producer: Promise<Producer> | undefined
  const full = (name: string) => `${prefix}${name}`
  const endOffsets = (topic: string) => fetchRanges(admin, full(topic))
  const close = async () => {
    await Promise.all([quietly(async () => (await producer)?.disconnect()), quietly(admin.disconnect)])
  }

  return {
    endOffsets,
    /** Resolves when the log has all records (`acks=all`). */
    produce: async (topic: string, records: Outgoing[]) => {
      const messages = records.map(({ headers = {}, ...record }) => ({ ...record, headers }))
      producer ??= openProducer(kafka)
      const sending = (await producer).send({ topic: full(topic), messages, acks: -1 })
      await bounded(`${records.length} records to reach ${topic}`, sending)
    },
    /** Everything that is in the topic at the time of the call, read with a group of its own. */
    readAll: async (topic: string, options?: Reading) => {
      const ends = toPositions(await endOffsets(topic))
      return readTopic({ kafka, prefix }, full(topic), ends, options)
    },
    /** How a topic is laid out; `replicas` is the smallest number any partition has. */
    layout: async (topic: string) => {
      const { topics } = await bounded(
        `the layout of ${topic}`,
        admin.fetchTopicMetadata({ topics: [full(topic)] }),
      )
      const replicas = topics.flatMap(({ partitions }) => partitions.map((each) => each.replicas.length))
      return { partitions: replicas.length, replicas: Math.min(...replicas) }
    },
    /** Sets these configurations of a topic; all others of it go back to their defaults. */
    configure: async (topic: string, entries: Record<string, string>) => {
      const configEntries = Object.entries(entries).map(([name, value]) => ({ name, value }))
      const resources = [{ type: TOPIC_RESOURCE, name: full(topic), configEntries }]
      await bounded(`the configuration of ${topic}`, admin.alterConfigs({ validateOnly: false, resources }))
    },
    lag: async (group: string, topic: string): Promise<PartitionLag[]> => {
      const at = await fetchCommitted(admin, full(group), full(topic))
      return (await countingAll(() => endOffsets(topic))).map(({ partition, start, end }) => {
        const position = at.get(partition)
        return { partition, end, committed: position, lag: Number(end - (position ?? start)) }
      })
    },
    /** The group, which must have no member, begins the topic again. */
    rewind: (group: string, topic: string) =>
      bounded(
        `${group} to begin ${topic} again`,
        admin.resetOffsets({ groupId: full(group), topic: full(topic), earliest: true }),
      ),
    /** `Stable`, `Empty`, `Dead` … and how many members the group has. */
    groupState: async (group: string) => {
      const { groups } = await bounded(`the state of ${group}`, admin.describeGroups([full(group)]))
      return { state: groups[0]?.state ?? 'Unknown', members: groups[0]?.members.length ?? 0 }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function fetchRanges(admin: Admin, topic: string): Promise<PartitionOffsets[]> {
  // kafkajs does not repeat this one itself while a partition has a new leader.
  const offsets = await until(() => fetchWhileRetriable(admin, topic), {
    what: `the offsets of ${topic}`,
    timeoutMs: CALL_MS,
  })
  return offsets
    .map(({ partition, low, high }) => ({ partition, start: BigInt(low), end: BigInt(high) }))
    .sort((a, b) => a.partition - b.partition)
}

async function fetchWhileRetriable(admin: Admin, topic: string) {
  try {
    return await bounded(`the offsets of ${topic}`, admin.fetchTopicOffsets(topic))
  } catch (err) {
    // By its field: the error classes of kafkajs cannot be imported by name from an ES module.
    const { retriable, message } = err as Error & { retriable?: boolean }
    if (retriable) throw err
    throw new Hopeless(message, { cause: err })
  }
}

/** kafkajs writes -1 for "none", and -2 or -1 after `resetOffsets`: neither is a place in the log. */
async function fetchCommitted(admin: Admin, group: string, topic: string) {
  const fetched = await bounded(
    `the offsets of ${group}`,
    admin.fetchOffsets({ groupId: group, topics: [topic] }),
  )
  const partitions = fetched.find((found) => found.topic === topic)?.partitions ?? []
  return new Map(
    partitions.map(({ partition, offset }) => [partition, Number(offset) < 0 ? undefined : BigInt(offset)]),
  )
}

const toPositions = (offsets: PartitionOffsets[]): Positions =>
  new Map(offsets.filter(({ start, end }) => end > start).map(({ partition, end }) => [partition, end]))

async function openProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  await bounded('the producer of the probe to connect', producer.connect())
  return producer
}

/** A connection that is broken is closed; what broke it was told to the call it interrupted. */
const quietly = (disconnect: () => Promise<void>) =>
  bounded('the probe to leave Kafka', disconnect()).catch(() => {})

const bounded = <Result>(what: string, promise: Promise<Result>): Promise<Result> =>
  within(promise, CALL_MS, what)

/** By partition, the offset up to which (exclusive) there is something to read. */
type Positions = Map<number, bigint>

export interface TopicRecord {
  partition: number
  offset: string
  /** Milliseconds since the epoch, the record's own timestamp. */
  timestamp: number
  key: string | null
  value: Buffer | null
  headers: Record<string, string>
}

interface Reading {
  timeoutMs?: number
  signal?: AbortSignal
}

/**
 * Reads a topic from its beginning up to `ends`, with a group that exists for this reading only. The end of the log can
 * be a transaction marker, which is no record: progress is what the client says it has passed, not what it delivered.
 */
async function readTopic(
  { kafka, prefix }: { kafka: Kafka; prefix: string },
  topic: string,
  ends: Positions,
  { timeoutMs = 30_000, signal }: Reading = {},
): Promise<TopicRecord[]> {
  if (ends.size === 0) return []
  const groupId = `${prefix}lab-probe-${randomUUID()}`
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 250,
    sessionTimeout: 10_000,
  })
  const records: TopicRecord[] = []
  const open = new Map(ends)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  promise.catch(() => {
    // An abort can come before anyone waits for this; whoever does then hears of it.
  })
  const onAbort = () => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  // A crash that kafkajs restarts from is a state of the broker, such as a coordinator that still loads.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) reject(payload.error)
  })
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const end = open.get(payload.partition)
    if (end !== undefined && BigInt(payload.lastOffset) + 1n >= end) open.delete(payload.partition)
    if (open.size === 0) resolve()
  })
  const read = async () => {
    signal?.throwIfAborted()
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { partition, messages } }) => {
        // What came after the call is not part of the answer.
        const end = ends.get(partition) ?? 0n
        for (const message of messages)
          if (BigInt(message.offset) < end) records.push(recordOf(partition, message))
      },
    })
    await promise
  }
  try {
    await within(read(), timeoutMs, `the whole of ${topic}`)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    await removeGroup(kafka, consumer, groupId).catch(() => {
      // What was read is right all the same; the broker forgets an empty group in time.
    })
  }
  return records
}

const recordOf = (
  partition: number,
  { offset, timestamp, key, value, headers }: KafkaMessage,
): TopicRecord => ({
  partition,
  offset,
  timestamp: Number(timestamp),
  key: key?.toString() ?? null,
  value,
  headers: texts(headers),
})

const texts = (headers: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name, [value].flat().map(String).join(', ')]),
  )

/** A group that is left behind would show up in every list of groups. */
async function removeGroup(kafka: Kafka, consumer: Consumer, groupId: string): Promise<void> {
  const admin = kafka.admin()
  const remove = async () => {
    await consumer.disconnect()
    await admin.connect()
    await admin.deleteGroups([groupId])
  }
  await within(remove(), CALL_MS, `${groupId} to be removed`).finally(() => quietly(admin.disconnect))
}
