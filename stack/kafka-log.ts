import { createRequire } from 'node:module'
import { within } from '@lab/kit/wait.ts'
import './kafkajs-guard.ts'
import { type Admin, AssignerProtocol, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'

const CALL_MS = 8_000
const CONNECT_MS = 3_000
/** `ConfigResourceTypes.TOPIC` of kafkajs, which an ES module cannot import by name. */
const TOPIC_RESOURCE = 2
const EARLIEST = -2
const LATEST = -1
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

export interface LogRecord {
  topic: string
  partition: number
  offset: number
  /** Milliseconds since the epoch, the record's own timestamp. */
  timestamp: number
  key: string | null
  value: Buffer | null
  headers: Record<string, string>
  /** Why this stands in for records that cannot be read; `value` is then their bytes. */
  unreadable?: string
}

/** What the brokers say of a partition. What none of them says is undefined, never a number that looks like one. */
export interface PartitionFacts {
  topic: string
  partition: number
  /** Node id; undefined while the partition has none. */
  leader: number | undefined
  replicas: number[]
  inSync: number[]
  /** Offset of the oldest record. */
  start: number | undefined
  /** Offset behind the last record, those of open transactions included. */
  end: number | undefined
}

export interface GroupFacts {
  group: string
  /** As the broker says: Stable, Empty (no members), Dead (unknown) … */
  state: string
  members: { id: string; client: string; host: string; assigned: { topic: string; partitions: number[] }[] }[]
}

export interface Position {
  topic: string
  partition: number
  offset: number
}

export interface ReadOptions {
  /** Longest wait of the broker for a first record; 0 answers at once. */
  waitMs?: number
  bytesPerPartition?: number
}

export interface KafkaLog {
  topics: () => Promise<string[]>
  nodes: () => Promise<{ id: number; host: string; port: number }[]>
  /** A partition without a leader, or whose leader does not answer, is in it with what is known of it. */
  partitions: (topics: string[]) => Promise<PartitionFacts[]>
  /** Of each partition, the first offset whose record is at least as new as `timestamp` (milliseconds); the end when none is. */
  offsetsAt: (topic: string, timestamp: number) => Promise<Position[]>
  /**
   * The records that committed readers see, from these positions on, and where to read on. One question to each leader:
   * a partition whose leader does not answer keeps its position.
   */
  read: (from: Position[], options?: ReadOptions) => Promise<{ records: LogRecord[]; next: Position[] }>
  /** All groups, or these: one that the broker does not know is `Dead`. */
  groups: (names?: string[]) => Promise<GroupFacts[]>
  /** Where the group has committed; a partition without an offset of its own is not in it. */
  committed: (group: string, topics: string[]) => Promise<Position[]>
  /** What a topic's configuration says, by name. */
  configuration: (topics: string[]) => Promise<Map<string, Record<string, string>>>
  close: () => Promise<void>
}

interface Metadata {
  brokers: { nodeId: number; host: string; port: number }[]
  topicMetadata: {
    topic: string
    partitionMetadata: { partitionId: number; leader: number; replicas: number[]; isr: number[] }[]
  }[]
}
interface RawRecord {
  offset: string
  timestamp: string
  key: Buffer | null
  value: Buffer | null
  headers: Record<string, Buffer | string | (Buffer | string)[] | undefined>
  isControlRecord: boolean
  unreadable?: string
}
interface Fetched {
  partition: number
  abortedTransactions: object[]
  messages: RawRecord[]
}
interface Broker {
  metadata: (topics: string[]) => Promise<Metadata>
  listOffsets: (request: object) => Promise<{
    responses: { topic: string; partitions: { partition: number; offset: string }[] }[]
  }>
  fetch: (request: object) => Promise<{ responses: { topicName: string; partitions: Fetched[] }[] }>
}
interface Cluster {
  connect: () => Promise<void>
  disconnect: () => Promise<void>
  findBroker: (which: { nodeId: number }) => Promise<Broker>
  brokerPool: {
    refreshMetadata: (topics: string[]) => Promise<void>
    withBroker: <Answer>(ask: (given: { broker: Broker }) => Promise<Answer>) => Promise<Answer>
  }
}

const load = createRequire(import.meta.url)
const Cluster = load('kafkajs/src/cluster') as new (options: object) => Cluster
const { createLogger } = load('kafkajs/src/loggers') as { createLogger: (options: object) => object }
const socketFactory = load('kafkajs/src/network/socketFactory') as () => object
const withoutAborted = load('kafkajs/src/consumer/filterAbortedMessages') as (fetched: Fetched) => RawRecord[]

/** The library answers metadata in which one partition has no leader with an error about all of them. */
const metadataV0 = load('kafkajs/src/protocol/requests/metadata/v0/response') as {
  parse: (data: Metadata) => Promise<Metadata>
}
const parseStrictly = metadataV0.parse
metadataV0.parse = (data) => {
  const topicMetadata = data.topicMetadata.map((topic) => ({
    ...topic,
    partitionMetadata: topic.partitionMetadata.map((one) => ({ ...one, partitionErrorCode: 0 })),
  }))
  return parseStrictly({ ...data, topicMetadata })
}

/**
 * Reads a Kafka log without being a member of any group: nobody's offsets move, and no group appears. It connects at the first
 * question, and again after a failure; every question ends within eight seconds, with an error if need be.
 */
export function openKafkaLog(brokers: string[], clientId: string): KafkaLog {
  const cluster = onDemand(
    () => connectCluster(brokers, clientId),
    (open) => open.disconnect(),
  )
  const admin = onDemand(
    () => connectAdmin(brokers, clientId),
    (open) => open.disconnect(),
  )
  const ask = cluster.ask
  const metadata = (cluster: Cluster, topics: string[]) =>
    cluster.brokerPool.withBroker(({ broker }) => broker.metadata(topics))

  return {
    topics: () =>
      ask('the list of topics', async (cluster) => {
        const { topicMetadata } = await metadata(cluster, [])
        return topicMetadata.map(({ topic }) => topic).sort()
      }),
    nodes: () =>
      ask('the list of brokers', async (cluster) => {
        const found = await metadata(cluster, [])
        return found.brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port }))
      }),
    partitions: (topics) =>
      ask('the partitions', async (cluster) => factsOf(cluster, await metadata(cluster, topics))),
    offsetsAt: (topic, timestamp) =>
      ask(`offsets of ${topic} by time`, async (cluster) => {
        const facts = await factsOf(cluster, await metadata(cluster, [topic]))
        const found = await offsets(cluster, byLeader(facts), timestamp, READ_UNCOMMITTED)
        return facts.flatMap(({ partition, end }) => {
          const offset = found.get(idOf(topic, partition))
          if (offset === undefined || end === undefined) return []
          return [{ topic, partition, offset: offset < 0 ? end : offset }]
        })
      }),
    read: (from, { waitMs = 0, bytesPerPartition = 256 * 1024 } = {}) =>
      ask(
        'records',
        async (cluster) => {
          const facts = leadersOf(await metadata(cluster, [...new Set(from.map(({ topic }) => topic))]))
          const wanted = from.flatMap((at) => {
            const leader = facts.get(idOf(at.topic, at.partition))
            return leader === undefined || leader < 0 ? [] : [{ ...at, leader }]
          })
          const asked = groupBy(wanted, ({ leader }) => leader)
          const answers = [...asked].map(([nodeId, positions]) =>
            fetchFrom(cluster, nodeId, positions, { waitMs, bytesPerPartition }),
          )
          const read = (await Promise.all(answers)).flat()
          const next = new Map(read.map((one) => [idOf(one.topic, one.partition), one.next]))
          return {
            records: read.flatMap(({ records }) => records),
            next: from.map((at) => ({ ...at, offset: next.get(idOf(at.topic, at.partition)) ?? at.offset })),
          }
        },
        CALL_MS + waitMs,
      ),
    groups: (names) =>
      admin.ask('consumer groups', async (open) => {
        const asked = names ?? (await open.listGroups()).groups.map(({ groupId }) => groupId)
        if (asked.length === 0) return []
        const { groups } = await open.describeGroups(asked)
        return groups.map(({ groupId, state, members }) => ({
          group: groupId,
          state: state || 'Dead',
          members: members.map(memberOf),
        }))
      }),
    committed: (group, topics) =>
      admin.ask(`offsets of ${group}`, async (open) => {
        const found = await open.fetchOffsets({ groupId: group, topics })
        // Negative stands for none (-1), or for the beginning (-2, which kafkajs commits literally).
        return found.flatMap(({ topic, partitions }) =>
          partitions.flatMap(({ partition, offset }) =>
            Number(offset) < 0 ? [] : [{ topic, partition, offset: Number(offset) }],
          ),
        )
      }),
    configuration: (topics) =>
      admin.ask('configurations', async (open) => {
        const resources = topics.map((name) => ({ type: TOPIC_RESOURCE, name }))
        const found = await open.describeConfigs({ resources, includeSynonyms: false })
        return new Map(
          found.resources.map(({ resourceName, configEntries }) => [
            resourceName,
            Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
          ]),
        )
      }),
    close: async () => {
      await Promise.all([cluster.close(), admin.close()])
    },
  }
}

/** One that sends what it is given as it is; the caller awaits each `send`. */
export async function openProducer(brokers: string[], clientId: string): Promise<Producer> {
  const producer = clientOf(brokers, clientId).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  await within(producer.connect(), CALL_MS, 'a producer to connect')
  return producer
}

const clientOf = (brokers: string[], clientId: string) =>
  new Kafka({
    clientId,
    brokers,
    connectionTimeout: CONNECT_MS,
    requestTimeout: CALL_MS,
    // Every failure comes back as an error; the log would only repeat it.
    logLevel: logLevel.NOTHING,
    retry: { retries: 1, initialRetryTime: 100 },
  })

async function connectAdmin(brokers: string[], clientId: string): Promise<Admin> {
  const admin = clientOf(brokers, clientId).admin()
  await admin.connect()
  return admin
}

async function connectCluster(brokers: string[], clientId: string): Promise<Cluster> {
  const cluster = new Cluster({
    brokers,
    clientId,
    logger: createLogger({ level: logLevel.NOTHING, logCreator: () => () => {} }),
    socketFactory: socketFactory(),
    connectionTimeout: CONNECT_MS,
    requestTimeout: CALL_MS,
    enforceRequestTimeout: true,
    metadataMaxAge: 5_000,
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
    isolationLevel: READ_COMMITTED,
    retry: { retries: 1, initialRetryTime: 100 },
  })
  await cluster.connect()
  await cluster.brokerPool.refreshMetadata([])
  return cluster
}

/** Opened at the first question; what has failed once is not trusted again, and opened anew at the next. */
function onDemand<Connection>(open: () => Promise<Connection>, end: (open: Connection) => Promise<void>) {
  let connected: Promise<Connection> | undefined
  const close = async () => {
    const closing = connected?.then(end)
    connected = undefined
    await closing?.catch(() => {
      // A connection that is broken is closed.
    })
  }
  return {
    close,
    ask: async <Answer>(
      what: string,
      question: (open: Connection) => Promise<Answer>,
      ms = CALL_MS,
    ): Promise<Answer> => {
      connected ??= open()
      const mine = connected
      try {
        return await within(mine.then(question), ms, what)
      } catch (err) {
        if (connected === mine) void close()
        throw err
      }
    },
  }
}

function memberOf(member: {
  memberId: string
  clientId: string
  clientHost: string
  memberAssignment: Buffer
}) {
  // A member that is only joining has no assignment yet.
  const assigned =
    member.memberAssignment.length > 0
      ? AssignerProtocol.MemberAssignment.decode(member.memberAssignment)
      : null
  return {
    id: member.memberId,
    client: member.clientId,
    host: member.clientHost,
    assigned: Object.entries(assigned?.assignment ?? {}).map(([topic, partitions]) => ({
      topic,
      partitions,
    })),
  }
}

const idOf = (topic: string, partition: number) => `${topic}/${partition}`

function leadersOf({ topicMetadata }: Metadata): Map<string, number> {
  return new Map(
    topicMetadata.flatMap(({ topic, partitionMetadata }) =>
      partitionMetadata.map(({ partitionId, leader }) => [idOf(topic, partitionId), leader] as const),
    ),
  )
}

async function factsOf(cluster: Cluster, { topicMetadata }: Metadata): Promise<PartitionFacts[]> {
  const known = topicMetadata.flatMap(({ topic, partitionMetadata }) =>
    partitionMetadata.map(({ partitionId, leader, replicas, isr }) => ({
      topic,
      partition: partitionId,
      leader: leader < 0 ? undefined : leader,
      replicas,
      inSync: isr,
    })),
  )
  const leaders = byLeader(known)
  const [starts, ends] = await Promise.all([
    offsets(cluster, leaders, EARLIEST, READ_UNCOMMITTED),
    offsets(cluster, leaders, LATEST, READ_UNCOMMITTED),
  ])
  return known
    .map((one) => {
      const id = idOf(one.topic, one.partition)
      return { ...one, start: starts.get(id), end: ends.get(id) }
    })
    .sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition))
}

type Led = { topic: string; partition: number; leader: number | undefined }

const byLeader = (all: Led[]): Map<number, Led[]> =>
  groupBy(
    all.filter(({ leader }) => leader !== undefined),
    ({ leader }) => leader as number,
  )

/** Only of the partitions whose leader answers. */
async function offsets(
  cluster: Cluster,
  leaders: Map<number, Led[]>,
  timestamp: number,
  isolationLevel: number,
): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  const asked = [...leaders].map(async ([nodeId, led]) => {
    const topics = [...groupBy(led, ({ topic }) => topic)].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ partition, timestamp })),
    }))
    const broker = await cluster.findBroker({ nodeId })
    const { responses } = await broker.listOffsets({ replicaId: -1, isolationLevel, topics })
    for (const { topic, partitions } of responses)
      for (const { partition, offset } of partitions) found.set(idOf(topic, partition), Number(offset))
  })
  const settled = await Promise.allSettled(asked)
  const failed = settled.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined
  if (failed && found.size === 0) throw failed.reason
  return found
}

async function fetchFrom(
  cluster: Cluster,
  nodeId: number,
  positions: Position[],
  { waitMs, bytesPerPartition }: Required<ReadOptions>,
) {
  const topics = [...groupBy(positions, ({ topic }) => topic)].map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map(({ partition, offset }) => ({
      partition,
      fetchOffset: String(offset),
      maxBytes: bytesPerPartition,
    })),
  }))
  const broker = await cluster.findBroker({ nodeId })
  const { responses } = await broker.fetch({
    replicaId: -1,
    isolationLevel: READ_COMMITTED,
    maxWaitTime: waitMs,
    minBytes: 1,
    maxBytes: bytesPerPartition * positions.length,
    topics,
  })
  return responses.flatMap(({ topicName: topic, partitions }) =>
    partitions.map((fetched) => {
      const { offset } = positions.find((at) => at.topic === topic && at.partition === fetched.partition)!
      return { topic, partition: fetched.partition, ...readOf(topic, offset, fetched) }
    }),
  )
}

/** A fetch may begin before the offset that was asked for. */
function readOf(topic: string, from: number, fetched: Fetched): { records: LogRecord[]; next: number } {
  const last = fetched.messages.at(-1)
  const seen = withoutAborted({ ...fetched, abortedTransactions: fetched.abortedTransactions ?? [] })
  const records = seen
    .filter(({ offset, isControlRecord }) => !isControlRecord && Number(offset) >= from)
    .map(({ offset, timestamp, key, value, headers, unreadable }) => ({
      topic,
      partition: fetched.partition,
      offset: Number(offset),
      timestamp: Number(timestamp),
      key: key?.toString() ?? null,
      value,
      headers: texts(headers),
      ...(unreadable !== undefined && { unreadable }),
    }))
  return { records, next: last ? Math.max(from, Number(last.offset) + 1) : from }
}

const texts = (headers: RawRecord['headers'] = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().map(String).join(', ')]),
  )

function groupBy<One, Key>(all: Iterable<One>, keyOf: (one: One) => Key): Map<Key, One[]> {
  const groups = new Map<Key, One[]>()
  for (const one of all) {
    const key = keyOf(one)
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return groups
}
