import { Hopeless, until, within } from '@lab/kit/wait.ts'
import { countingAll } from '@lab/stack/kafkajs-guard.ts'
import type { KafkaBroker } from '@lab/stack/servers/kafka/broker.ts'
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { COMPRESSIONS, type Compression } from './compression.ts'
import { type Positions, readTopic, type TopicRecord } from './kafka-reader.ts'

const CALL_MS = 20_000
/** `ConfigResourceTypes.TOPIC` of kafkajs, which an ES module cannot import by name. */
const TOPIC_RESOURCE = 2

export interface Outgoing {
  key: string | null
  value: Buffer | string | null
  headers?: Record<string, string>
  partition?: number
}

export interface PartitionOffsets {
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

export interface KafkaProbe extends AsyncDisposable {
  /** Resolves when the log has all records (`acks=all`). */
  produce: (topic: string, records: Outgoing[], compression?: Compression) => Promise<void>
  /** Everything that is in the topic at the time of the call, read with a group of its own. */
  readAll: (topic: string, options?: { timeoutMs?: number; signal?: AbortSignal }) => Promise<TopicRecord[]>
  endOffsets: (topic: string) => Promise<PartitionOffsets[]>
  /** How a topic is laid out; `replicas` is the smallest number any partition has. */
  layout: (topic: string) => Promise<{ partitions: number; replicas: number }>
  /** Sets these configurations of a topic; all others of it go back to their defaults. */
  configure: (topic: string, entries: Record<string, string>) => Promise<void>
  /** Committed offset by partition; undefined where the group has none. */
  committed: (group: string, topic: string) => Promise<Map<number, bigint | undefined>>
  lag: (group: string, topic: string) => Promise<PartitionLag[]>
  /** The group, which must have no member, begins the topic again. */
  rewind: (group: string, topic: string) => Promise<void>
  /** `Stable`, `Empty`, `Dead` … and how many members the group has. */
  groupState: (group: string) => Promise<{ state: string; members: number }>
  close: () => Promise<void>
}

/**
 * The lab's own connection to Kafka, beside the services. Topics and groups are named as the part names them; the
 * prefix of the broker is put before each. Every call is bounded.
 */
export async function openKafkaProbe(broker: KafkaBroker): Promise<KafkaProbe> {
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
  const producer = producerOnDemand(kafka)

  const full = (name: string) => `${prefix}${name}`
  const endOffsets = (topic: string) => fetchRanges(admin, full(topic))
  const committed = (group: string, topic: string) => fetchCommitted(admin, full(group), full(topic))
  const close = async () => {
    await Promise.all([quietly(producer.close()), quietly(admin.disconnect())])
  }

  return {
    endOffsets,
    committed,
    produce: async (topic, records, compression) => {
      const messages = records.map(({ headers = {}, ...record }) => ({ ...record, headers }))
      const sending = (await producer.get()).send({
        topic: full(topic),
        messages,
        acks: -1,
        ...(compression && { compression: COMPRESSIONS[compression] }),
      })
      await bounded(`${records.length} records to reach ${topic}`, sending)
    },
    readAll: async (topic, options) => {
      const ends = toPositions(await endOffsets(topic))
      return readTopic({ kafka, prefix }, full(topic), ends, options)
    },
    layout: async (topic) => {
      const { topics } = await bounded(
        `the layout of ${topic}`,
        admin.fetchTopicMetadata({ topics: [full(topic)] }),
      )
      const replicas = topics.flatMap(({ partitions }) => partitions.map((each) => each.replicas.length))
      return { partitions: replicas.length, replicas: Math.min(...replicas) }
    },
    configure: async (topic, entries) => {
      const configEntries = Object.entries(entries).map(([name, value]) => ({ name, value }))
      const resources = [{ type: TOPIC_RESOURCE, name: full(topic), configEntries }]
      await bounded(`the configuration of ${topic}`, admin.alterConfigs({ validateOnly: false, resources }))
    },
    lag: async (group, topic) => {
      const at = await committed(group, topic)
      return (await countingAll(() => endOffsets(topic))).map(({ partition, start, end }) => {
        const position = at.get(partition)
        return { partition, end, committed: position, lag: Number(end - (position ?? start)) }
      })
    },
    rewind: (group, topic) =>
      bounded(
        `${group} to begin ${topic} again`,
        admin.resetOffsets({ groupId: full(group), topic: full(topic), earliest: true }),
      ),
    groupState: async (group) => {
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

/** Most uses of the probe only read. One `send` at a time: the callers await each. */
function producerOnDemand(kafka: Kafka) {
  let opened: Promise<Producer> | undefined
  const open = async () => {
    const producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
    })
    await bounded('the producer of the probe to connect', producer.connect())
    return producer
  }
  return {
    get: () => (opened ??= open()),
    close: async () => {
      const producer = await opened
      await producer?.disconnect()
    },
  }
}

/** A connection that is broken is closed; what broke it was told to the call it interrupted. */
const quietly = (disconnect: Promise<void>) => bounded('the probe to leave Kafka', disconnect).catch(() => {})

const bounded = <Result>(what: string, promise: Promise<Result>): Promise<Result> =>
  within(promise, CALL_MS, what)
