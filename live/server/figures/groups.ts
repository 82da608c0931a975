import { openKafkaLog, type PartitionFacts } from '@lab/stack/kafka-log.ts'
import type { GroupFigures, PartitionLag } from '../../wire/figures.ts'
import { firstUnread, lagOf, totalOf } from './lag.ts'

/** What each group of the lab reads; the order view of the producer commits nothing. */
const GROUPS: Record<string, string[]> = {
  'inventory-group': ['order-events'],
  'analytics-group': ['order-events', 'inventory-events'],
}
const MAX_REMEMBERED = 500

/** Reads the lag of the lab's groups from the brokers alone, so it is right about groups whose services are dead. */
export function createGroupReader({ brokers, prefix }: { brokers: string[]; prefix: string }) {
  const log = openKafkaLog(brokers, 'live-page-figures')
  const times = new Map<string, number>()

  /** A record's time never changes, so it is asked for once. */
  const withAges = async (lags: PartitionLag[], now: number): Promise<PartitionLag[]> => {
    const idOf = ({ topic, partition }: PartitionLag, offset: number) => `${topic}/${partition}/${offset}`
    const unread = lags.flatMap((lag) => {
      const offset = firstUnread(lag)
      return offset === undefined ? [] : [{ lag, offset }]
    })
    const unknown = unread.filter(({ lag, offset }) => !times.has(idOf(lag, offset)))
    if (unknown.length > 0) {
      if (times.size > MAX_REMEMBERED) times.clear()
      const from = unknown.map(({ lag: { topic, partition }, offset }) => ({ topic, partition, offset }))
      const { records } = await log.read(from, { bytesPerPartition: 32 * 1024 })
      for (const { lag, offset } of unknown) {
        const first = records.find((one) => one.topic === lag.topic && one.partition === lag.partition)
        if (first) times.set(idOf(lag, offset), first.timestamp)
      }
    }
    return lags.map((lag) => {
      const offset = firstUnread(lag)
      const time = offset === undefined ? undefined : times.get(idOf(lag, offset))
      return time === undefined ? lag : { ...lag, seconds: Math.max(0, (now - time) / 1_000) }
    })
  }

  return {
    read: async (): Promise<Omit<GroupFigures, 'trend'>[]> => {
      const names = Object.keys(GROUPS)
      // Committed first: read the other way round, a moving consumer could show less than nothing.
      const [committed, described] = await Promise.all([
        Promise.all(
          names.map((group) =>
            log.committed(
              `${prefix}${group}`,
              GROUPS[group]!.map((one) => prefix + one),
            ),
          ),
        ),
        log.groups(names.map((group) => prefix + group)),
      ])
      const topics = [...new Set(Object.values(GROUPS).flat())].map((topic) => prefix + topic)
      const facts = await log.partitions(topics)
      const now = Date.now()
      return Promise.all(
        names.map(async (group, at) => {
          const offsets = new Map(committed[at]!.map((one) => [`${one.topic}/${one.partition}`, one.offset]))
          const own = facts.filter(({ topic }) => GROUPS[group]!.includes(topic.slice(prefix.length)))
          const lags = own.map((one: PartitionFacts) =>
            lagOf(one, offsets.get(`${one.topic}/${one.partition}`)),
          )
          const partitions = await withAges(lags, now)
          const found = described.find((one) => one.group === prefix + group)
          return {
            group,
            state: found?.state ?? 'unknown',
            members: found?.members.length ?? null,
            ...totalOf(partitions),
            partitions: partitions.map((one) => ({ ...one, topic: one.topic.slice(prefix.length) })),
          }
        }),
      )
    },
    close: () => log.close(),
  }
}
