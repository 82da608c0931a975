import { bounded, settlesWithin } from '@lab/kit/bounded.ts'
import type { Admin } from 'kafkajs'
import { createKafka, type KafkaSettings } from './client.ts'
import { countingAll } from './kafkajs.ts'
import { ensureTopics, type TopicLayout } from './topics.ts'

const CALL_WITHIN_MS = 8_000
const TOPICS_WITHIN_MS = 25_000
const DISCONNECT_WITHIN_MS = 2_000

export interface PartitionRange {
  partition: number
  /** Offset of the oldest record. */
  low: number
  /** Offset behind the last record a reader may see: the library asks read-committed, so an open transaction does not count. */
  high: number
}

export interface Committed {
  partition: number
  /** Undefined when the group never committed here, or was set back to the beginning. */
  offset: number | undefined
  metadata: string
}

export interface GroupDescription {
  state: string
  members: { member_id: string; client_id: string; client_host: string }[]
}

export type LogAdmin = ReturnType<typeof createLogAdmin>

/**
 * What a service asks the broker about topics and groups. It connects at the first question, and again after a failure.
 * Every question ends within 8 s (`ensureTopics` within 25 s), with an error if need be.
 */
export function createLogAdmin(settings: KafkaSettings, layout: TopicLayout) {
  const full = (name: string) => `${settings.prefix}${name}`
  let connected: Promise<Admin> | undefined

  const connect = async () => {
    const admin = createKafka(settings).admin()
    await admin.connect()
    return admin
  }
  const disconnect = async () => {
    const disconnected = connected?.then((admin) => admin.disconnect()) ?? Promise.resolve()
    connected = undefined
    await settlesWithin(disconnected, DISCONNECT_WITHIN_MS)
  }
  const ask = async <Answer>(
    what: string,
    question: (admin: Admin) => Promise<Answer>,
    ms = CALL_WITHIN_MS,
  ) => {
    connected ??= connect()
    const mine = connected
    try {
      return await bounded(mine.then(question), ms, what)
    } catch (err) {
      // A connection that failed once is not trusted again.
      if (connected === mine) await disconnect()
      throw err
    }
  }

  return {
    ensureTopics: () =>
      ask('creating the topics', (admin) => ensureTopics(admin, layout, settings.prefix), TOPICS_WITHIN_MS),

    ranges: (topic: string): Promise<PartitionRange[]> =>
      ask(`reading the offsets of ${topic}`, async (admin) =>
        (await admin.fetchTopicOffsets(full(topic)))
          .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
          .sort(byPartition),
      ),

    /** Of each partition, the offset behind the last record, whether a reader may see it yet or not. */
    ends: (topic: string) =>
      ask(`reading the ends of ${topic}`, async (admin) =>
        (await countingAll(() => admin.fetchTopicOffsets(full(topic))))
          .map(({ partition, high }) => ({ partition, end: Number(high) }))
          .sort(byPartition),
      ),

    /** Of each partition, the first offset whose record is at least as new as `timestamp` (ms); the end when none is. */
    offsetsAt: (topic: string, timestamp: number) =>
      ask(`reading the offsets of ${topic} by time`, async (admin) =>
        (await countingAll(() => admin.fetchTopicOffsetsByTimestamp(full(topic), timestamp)))
          .map(({ partition, offset }) => ({ partition, offset: Number(offset) }))
          .sort(byPartition),
      ),

    committed: (groupId: string, topic: string): Promise<Committed[]> =>
      ask(`reading what ${groupId} committed`, async (admin) => {
        const [entry] = await admin.fetchOffsets({ groupId: full(groupId), topics: [full(topic)] })
        return (entry?.partitions ?? []).map(toCommitted).sort(byPartition)
      }),

    describeGroup: (groupId: string): Promise<GroupDescription> =>
      ask(`describing ${groupId}`, async (admin) => {
        const { groups } = await admin.describeGroups([full(groupId)])
        return {
          state: groups[0]?.state || 'Dead',
          members: (groups[0]?.members ?? []).map(({ memberId, clientId, clientHost }) => ({
            member_id: memberId,
            client_id: clientId,
            client_host: clientHost,
          })),
        }
      }),

    close: disconnect,
  }
}

const byPartition = (a: { partition: number }, b: { partition: number }) => a.partition - b.partition

/** A negative offset stands for "none" (-1) or for "the beginning" (-2, which kafkajs commits literally). */
const toCommitted = ({
  partition,
  offset,
  metadata,
}: {
  partition: number
  offset: string
  metadata: string | null
}) => ({
  partition,
  offset: Number(offset) < 0 ? undefined : Number(offset),
  metadata: metadata ?? '',
})
