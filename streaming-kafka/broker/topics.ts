import { setTimeout as sleep } from 'node:timers/promises'
import { LabError } from '@lab/kit/errors.ts'
import type { Admin, ITopicConfig } from 'kafkajs'

export const ORDER_EVENTS = 'order-events'
export const INVENTORY_EVENTS = 'inventory-events'
export const DEAD_LETTERS = 'order-events.dlt'
export const TOPICS = [ORDER_EVENTS, INVENTORY_EVENTS, DEAD_LETTERS]

export const INVENTORY_GROUP = 'inventory-group'
export const ANALYTICS_GROUP = 'analytics-group'

export const DEFAULT_PARTITIONS = 3
const LEADERS_WITHIN_MS = 15_000
const LEADERS_POLL_MS = 100

export interface TopicLayout {
  replicationFactor: number
  /** Of `order-events` and `inventory-events`; the keys of an existing topic would move with it, so it keeps its own. */
  partitions?: number
}

/**
 * - `retention.ms`: the log is the database, nothing in it ever expires.
 * - `compression.type`: whatever a producer compresses with, the broker stores it uncompressed. What it cannot decompress, it
 *   refuses.
 * - `message.timestamp.type`: a record's time is when the broker got it, so no producer's clock decides how old it is.
 */
const CONFIG = {
  'retention.ms': '-1',
  'compression.type': 'uncompressed',
  'message.timestamp.type': 'LogAppendTime',
}

const topicConfigs = ({
  replicationFactor,
  partitions = DEFAULT_PARTITIONS,
}: TopicLayout): ITopicConfig[] => {
  const common = { replicationFactor, configEntries: entries(CONFIG) }
  return [
    { topic: ORDER_EVENTS, numPartitions: partitions, ...common },
    { topic: INVENTORY_EVENTS, numPartitions: partitions, ...common },
    // A poison record of the largest size still fits when its origin and reason are added.
    {
      topic: DEAD_LETTERS,
      numPartitions: 1,
      replicationFactor,
      configEntries: entries({ ...CONFIG, 'max.message.bytes': String(2 * 1024 * 1024) }),
    },
  ]
}

const entries = (config: Record<string, string>) =>
  Object.entries(config).map(([name, value]) => ({ name, value }))

/**
 * Creates the topics that do not exist yet and waits until every partition has a leader. Whichever service starts first
 * does it; two at once are no problem. Existing topics are left as they are.
 */
export async function ensureTopics(admin: Admin, layout: TopicLayout, prefix: string): Promise<void> {
  const names = TOPICS.map((topic) => `${prefix}${topic}`)
  const existing = new Set(await admin.listTopics())
  const missing = topicConfigs(layout)
    .map((config) => ({ ...config, topic: `${prefix}${config.topic}` }))
    .filter(({ topic }) => !existing.has(topic))
  // Answers false when another service was faster.
  if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: false })

  const deadline = Date.now() + LEADERS_WITHIN_MS
  while (!(await haveLeaders(admin, names))) {
    if (Date.now() > deadline)
      throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `no leader for ${names.join(', ')} yet`, {
        retryable: true,
      })
    await sleep(LEADERS_POLL_MS)
  }
}

async function haveLeaders(admin: Admin, names: string[]): Promise<boolean> {
  const existing = new Set(await admin.listTopics())
  if (!names.every((topic) => existing.has(topic))) return false
  const { topics } = await admin.fetchTopicMetadata({ topics: names })
  return topics.every(
    ({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
  )
}
