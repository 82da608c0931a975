import { randomUUID } from 'node:crypto'
import { type KafkaProbe, openKafkaProbe } from '@lab/lab/probes/kafka.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { withAdmin } from '@lab/stack/kafka-admin.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** The experiments and the contract rest on what the probe says, so it is held to it here. */
describe('the Kafka probe', () => {
  const { brokers, prefix } = sharedServer('kafka')
  const topic = `probe-${randomUUID()}`
  const group = `nobody-${randomUUID()}`
  const records = Array.from({ length: 300 }, (_, i) => ({
    key: `key-${i}`,
    value: `value-${i}`,
    headers: { n: String(i) },
  }))
  let probe: KafkaProbe

  beforeAll(async () => {
    await withAdmin(brokers, (admin) =>
      admin.createTopics({
        topics: [{ topic: `${prefix}${topic}`, numPartitions: 3 }],
        waitForLeaders: true,
      }),
    )
    probe = await openKafkaProbe(sharedServer('kafka'))
  })
  afterAll(async () => {
    await probe?.close()
    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [`${prefix}${topic}`] }))
  })

  test('reads nothing from an empty topic', async () => {
    expect(await probe.readAll(topic)).toEqual([])
  })

  test('reads every record that is there, once, and leaves no group behind', async () => {
    await probe.produce(topic, records)
    const read = await probe.readAll(topic)

    const plain = read.map(({ key, value, headers }) => ({ key, value: String(value), headers }))
    expect(plain.sort((a, b) => Number(a.headers.n) - Number(b.headers.n))).toEqual(records)
    const { groups } = await withAdmin(brokers, (admin) => admin.listGroups())
    expect(groups.filter(({ groupId }) => groupId.startsWith(`${prefix}lab-probe`))).toEqual([])
  })

  test('does not call a group that never committed up to date', async () => {
    const lags = await probe.lag(group, topic)

    expect(lags.reduce((sum, { lag }) => sum + lag, 0)).toBe(records.length)
    expect(lags.map(({ committed }) => committed)).toEqual([undefined, undefined, undefined])
    expect(await probe.groupState(group)).toEqual({ state: 'Dead', members: 0 })
  })

  test('rejects when the topic does not exist', async () => {
    await expect(probe.readAll('no-such-topic')).rejects.toThrow()
  })
})
