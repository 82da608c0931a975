import { call, decided, place } from '@lab/common/testing/pipeline.ts'
import { openKafkaProbe } from '@lab/lab/probes/kafka.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { withAdmin } from '@lab/stack/kafka-admin.ts'
import type { KafkaBroker } from '@lab/stack/servers/kafka/broker.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { counted } from './log-facts.ts'
import { openPipeline } from './pipeline.ts'

const isOurs = sharedServer('kafka').origin !== 'external'
const THEIRS = ['order-events', 'inventory-events', 'order-events.dlt']

/** The broker of this test run, with somebody else's data under the very names of the seed, as they would hand it to us. */
async function theirBroker(): Promise<KafkaBroker> {
  const broker: KafkaBroker = sharedServer('kafka')
  const remove = () =>
    withAdmin(broker.brokers, async (admin) => {
      const topics = (await admin.listTopics()).filter((topic) => THEIRS.includes(topic))
      await admin.deleteTopics({ topics })
    })
  await remove()
  onTestFinished(remove)
  await withAdmin(broker.brokers, (admin) =>
    admin.createTopics({
      topics: THEIRS.map((topic) => ({ topic, numPartitions: 1 })),
      waitForLeaders: true,
    }),
  )
  await using probe = await openKafkaProbe(broker)
  for (const topic of THEIRS) await probe.produce(topic, [{ key: 'theirs', value: `of ${topic}` }])
  return { ...broker, origin: 'external' }
}

const namesOn = ({ brokers }: KafkaBroker) =>
  withAdmin(brokers, async (admin) => ({
    topics: (await admin.listTopics()).filter((topic) => !topic.startsWith('__')).sort(),
    groups: (await admin.listGroups()).groups.map(({ groupId }) => groupId).sort(),
  }))

describe.skipIf(!isOurs)('on a broker of somebody else', () => {
  test('everything lies behind a prefix, and goes with the part; theirs is as it was', async () => {
    const broker = await theirBroker()
    const before = await namesOn(broker)

    const pipeline = await openPipeline({ broker })
    const { json } = await place(pipeline, { item: 'burger', quantity: 1 })
    await decided(pipeline, json.order_id)
    const { orders_total, poison } = await counted(pipeline.third, 1)
    const during = await namesOn(broker)
    const lag = (await call('GET', `${pipeline.third.url}/lag`)).json
    await pipeline.close()

    expect([orders_total, poison.skipped]).toEqual([1, 0])
    const { prefix } = pipeline.part.kafka!
    expect(prefix).toMatch(/^messaging-lab\..+\.$/)
    const made = during.topics.filter((topic) => !before.topics.includes(topic))
    expect(made).toEqual(THEIRS.map((topic) => `${prefix}${topic}`).sort())
    expect(during.groups).toContain(`${prefix}inventory-group`)
    expect(during.groups.filter((id) => !id.startsWith(prefix))).toEqual(before.groups)
    expect(lag.group).toBe('analytics-group')
    expect(await namesOn(broker)).toEqual(before)
    await using probe = await openKafkaProbe({ ...broker, prefix: '' })
    for (const topic of THEIRS)
      expect((await probe.readAll(topic)).map(({ value }) => String(value))).toEqual([`of ${topic}`])
  })
})
