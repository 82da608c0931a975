import { randomUUID } from 'node:crypto'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Acks, openAppender, UnknownAppend } from './appender.ts'
import { createKafka, type KafkaSettings } from './client.ts'

let settings: KafkaSettings
beforeAll(() => {
  settings = {
    ...sharedServer('kafka'),
    clientId: 'appender-test',
    sessionTimeoutMs: 6_000,
    log: createLog('test', 'silent'),
  }
})

/** A topic that takes nothing but the shortest of records. */
async function narrowTopic(): Promise<string> {
  const topic = `narrow-${randomUUID()}`
  const admin = createKafka(settings).admin()
  await admin.connect()
  const configEntries = [{ name: 'max.message.bytes', value: '200' }]
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic: `${settings.prefix}${topic}`, numPartitions: 1, replicationFactor: 1, configEntries }],
  })
  await admin.disconnect()
  return topic
}

async function open(acks?: Acks) {
  const metrics = createMetrics('test')
  const topic = await narrowTopic()
  const appender = openAppender(settings, { topic, timeoutMs: 5_000, metrics, ...(acks && { acks }) })
  onTestFinished(appender.close)
  return appender
}

const refused = [{ value: 'x'.repeat(1_000) }]

describe('a record the log refuses', () => {
  test('is not acknowledged, and one that it takes is', async () => {
    const { append } = await open()

    await expect(append(refused)).rejects.toBeInstanceOf(UnknownAppend)
    await expect(append([{ value: 'x' }])).resolves.toBeUndefined()
  })

  test('is acknowledged all the same with acks=0: nobody was asked', async () => {
    const { append } = await open('0')

    await expect(append(refused)).resolves.toBeUndefined()
  })
})
