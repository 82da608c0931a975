import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { createLog } from '@lab/kit/log.ts'
import { until } from '@lab/kit/wait.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Batch } from './batch.ts'
import { createKafka } from './client.ts'
import type { FetchAnswer } from './gather.ts'
import type { LogMessage } from './records.ts'
import { openSession } from './session.ts'
import { newTopic } from './testing/new-topic.ts'

/** Large enough for an answer to have memory of its own. */
const VALUE = 'x'.repeat(100_000)

/** Reads one record with `onBatch` until `isOver`. */
async function readOne(onBatch: (batch: Batch) => Promise<void>, isOver: () => boolean): Promise<void> {
  const settings = {
    ...sharedServer('kafka'),
    clientId: 'session-test',
    sessionTimeoutMs: 6_000,
    log: createLog('test', 'silent'),
  }
  const topic = await newTopic(settings)
  const producer = createKafka(settings).producer()
  await producer.connect()
  await producer.send({ topic: `${settings.prefix}${topic}`, messages: [{ key: 'k', value: VALUE }] })
  await producer.disconnect()
  const session = await openSession(settings, {
    groupId: topic,
    topics: [topic],
    member: randomUUID(),
    concurrency: 1,
    onAssigned: () => {},
    positionOf: () => undefined,
    onBatch,
    onSkipped: () => {},
  })
  onTestFinished(session.close)
  await until(async () => isOver(), { what: 'the record to be read', timeoutMs: 30_000, everyMs: 10 })
}

const lengthOf = (message: LogMessage | undefined) => message?.value?.length

const { prototype: broker } = createRequire(import.meta.url)('kafkajs/src/broker') as {
  prototype: { fetch: () => Promise<FetchAnswer> }
}

describe('what a fetch brought', () => {
  test('says how far the log can be read, and is looked at by what gathers', async () => {
    expect(broker.fetch.name).toBe('gathered')
    const fetch = vi.spyOn(broker, 'fetch')
    onTestFinished(() => fetch.mockRestore())
    let isRead = false
    await readOne(
      async (batch) => {
        batch.done(1)
        isRead = true
      },
      () => isRead,
    )

    const [filled] = fetch.mock.settledResults
      .flatMap(({ type, value }) => (type === 'fulfilled' ? (value as FetchAnswer).responses : []))
      .flatMap(({ partitions }) => partitions)
      .filter(({ messages }) => messages.length > 0)
    expect(filled).toMatchObject({ lastStableOffset: '1', messages: [{ offset: '0' }] })
  })

  test('is given back once it is dealt with', async () => {
    let seen: LogMessage | undefined
    await readOne(
      async (batch) => {
        seen = batch.messages[0]
        expect(lengthOf(seen)).toBe(VALUE.length)
        batch.done(1)
      },
      () => seen !== undefined && seen.valueSpan?.bytes.length === 0,
    )
  })

  test('stays for whoever still reads it when its batch is left early', async () => {
    const seen: LogMessage[] = []
    await readOne(
      async (batch) => {
        seen.push(...batch.messages)
        if (seen.length === 3) batch.done(1)
      },
      () => seen.length === 3,
    )

    expect(seen.slice(0, 2).map(lengthOf)).toEqual([VALUE.length, VALUE.length])
  })
})
