import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Acks, openAppender, UnknownAppend } from './appender.ts'
import type { KafkaSettings } from './client.ts'
import { newTopic } from './testing/new-topic.ts'

let settings: KafkaSettings
beforeAll(() => {
  settings = {
    ...sharedServer('kafka'),
    clientId: 'appender-test',
    sessionTimeoutMs: 6_000,
    log: createLog('test', 'silent'),
  }
})

async function open(acks?: Acks) {
  const metrics = createMetrics('test')
  // It takes nothing but the shortest of records.
  const topic = await newTopic(settings, { 'max.message.bytes': '200' })
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
