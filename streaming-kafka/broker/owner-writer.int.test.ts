import { randomUUID } from 'node:crypto'
import type { Logger } from '@lab/kit/log.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createLogAdmin, type LogAdmin } from './admin.ts'
import type { KafkaSettings } from './client.ts'
import { isFenced } from './failures.ts'
import { openOwnerWriter } from './owner-writer.ts'
import { readToEnd } from './replay.ts'
import { INVENTORY_EVENTS, ORDER_EVENTS } from './topics.ts'

const log = { debug: () => {}, info: () => {}, warn: () => {} } as unknown as Logger
let settings: KafkaSettings
let admin: LogAdmin
beforeAll(async () => {
  settings = { ...sharedServer('kafka'), clientId: 'owner-writer-test', sessionTimeoutMs: 6_000, log }
  admin = createLogAdmin(settings, { replicationFactor: 1 })
  await admin.ensureTopics()
  return admin.close
})

/** Names of its own, so that nothing of another test is fenced. */
const names = () => ({ transactionalId: `test-${randomUUID()}`, groupId: `test-${randomUUID()}` })

async function openWriter(name: ReturnType<typeof names>) {
  const writer = await openOwnerWriter(settings, name)
  onTestFinished(writer.close)
  return writer
}

const write = (value: string, offset: number) => ({
  records: [{ topic: INVENTORY_EVENTS, message: { key: 'k', value } }],
  offsets: [{ topic: ORDER_EVENTS, partition: 0, offset, note: 'a note' }],
})

async function valuesInLog(): Promise<string[]> {
  const values: string[] = []
  const onMessages = (_topic: string, messages: { value: Buffer | null }[]) =>
    void values.push(...messages.map(({ value }) => String(value)))
  await readToEnd(settings, { admin, topics: [INVENTORY_EVENTS], onMessages })
  return values
}

const committedOf = async (groupId: string) => (await admin.committed(groupId, ORDER_EVENTS))[0]

describe('the writer of the owner', () => {
  test('writes records, offsets and their note together', async () => {
    const name = names()
    const writer = await openWriter(name)
    const value = randomUUID()

    await writer.write(write(value, 7))

    // The next owner finds everything: it cannot be opened before the markers of this transaction are written.
    await openWriter(name)
    expect(await valuesInLog()).toContain(value)
    expect(await committedOf(name.groupId)).toEqual({ partition: 0, offset: 7, metadata: 'a note' })
  })

  test('does not move the offsets when the records are refused', async () => {
    const name = names()
    const writer = await openWriter(name)
    await writer.write(write(randomUUID(), 1))

    // More than the topic takes in one record.
    await expect(writer.write(write('x'.repeat(2 * 1024 * 1024), 2))).rejects.toThrow()

    await openWriter(name)
    expect((await committedOf(name.groupId))?.offset).toBe(1)
  })

  test('cannot write any more once another has been opened', async () => {
    const name = names()
    const former = await openWriter(name)
    await former.write(write(randomUUID(), 1))
    const value = randomUUID()

    await openWriter(name)
    const err = await former.write(write(value, 2)).catch((err: unknown) => err)

    expect(isFenced(err)).toBe(true)
    expect(await valuesInLog()).not.toContain(value)
    expect((await committedOf(name.groupId))?.offset).toBe(1)
  })

  test('cannot move the offsets either, with nothing to write', async () => {
    const name = names()
    const former = await openWriter(name)
    await openWriter(name)

    const err = await former.write({ ...write('', 9), records: [] }).catch((err: unknown) => err)

    expect(isFenced(err)).toBe(true)
    expect((await committedOf(name.groupId))?.offset).toBeUndefined()
  })

  test('takes many transactions in a row without waiting out the default back-off', async () => {
    const writer = await openWriter(names())
    const startedAt = performance.now()
    for (let i = 0; i < 20; i++) await writer.write(write(randomUUID(), i))

    // With the 300 ms kafkajs waits by default, nearly every one of them would take that long.
    expect((performance.now() - startedAt) / 20).toBeLessThan(200)
  })
})
