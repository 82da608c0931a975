import { until } from '@lab/kit/wait.ts'
import { TOPICS } from '../events/events.ts'
import { createKafka, type KafkaSettings } from './client.ts'

export const deadLettersOf = (topic: string) => `${topic}.dlt`

const PARTITIONS = 3
const ALL = Object.values(TOPICS)
/** `retention.ms`: the analytics can be made again from the beginning. The time of a record is when the broker got it. */
const CONFIG = { 'retention.ms': '-1', 'message.timestamp.type': 'LogAppendTime' }

/**
 * Makes the topics that are missing and waits until every partition has a leader. A consumer that subscribes before that
 * would stay deaf.
 */
export async function ensureTopics(settings: KafkaSettings): Promise<void> {
  const { prefix, replicationFactor } = settings
  const admin = createKafka(settings).admin()
  await admin.connect()
  try {
    const configEntries = Object.entries(CONFIG).map(([name, value]) => ({ name, value }))
    const wanted = ALL.flatMap((topic) => [
      { topic: `${prefix}${topic}`, numPartitions: PARTITIONS, replicationFactor, configEntries },
      {
        topic: `${prefix}${deadLettersOf(topic)}`,
        numPartitions: 1,
        replicationFactor,
        // A record of the largest size still fits with its origin and reason.
        configEntries: [...configEntries, { name: 'max.message.bytes', value: String(2 * 1024 * 1024) }],
      },
    ])
    const existing = new Set(await admin.listTopics())
    const missing = wanted.filter(({ topic }) => !existing.has(topic))
    // Answers false when another service was faster.
    if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: false })
    const names = wanted.map(({ topic }) => topic)
    await until(
      async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: names })
        return topics.every(
          ({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
        )
      },
      { what: 'the topics to have leaders', timeoutMs: 15_000 },
    )
  } finally {
    await admin.disconnect()
  }
}
