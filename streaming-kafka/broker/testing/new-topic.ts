import { randomUUID } from 'node:crypto'
import { createKafka, type KafkaSettings } from '../client.ts'

/** Makes a topic of one partition; answers its name, without the prefix. */
export async function newTopic(
  settings: KafkaSettings,
  config: Record<string, string> = {},
): Promise<string> {
  const topic = `test-${randomUUID()}`
  const admin = createKafka(settings).admin()
  await admin.connect()
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic: `${settings.prefix}${topic}`, numPartitions: 1, replicationFactor: 1, configEntries }],
  })
  await admin.disconnect()
  return topic
}
