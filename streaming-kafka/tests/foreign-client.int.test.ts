import { readFileSync } from 'node:fs'
import { call, decided, place, stockOf } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { joinAsForeignMember, openForeignTransaction } from '@lab/lab/probes/testing/foreign-kafka.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { localContext, localObstacle } from '@lab/stack/fixtures/lab.ts'
import { openKafkaTools } from '@lab/stack/kafka-tools.ts'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { counted, readiness } from './log-facts.ts'
import { openPipeline, type StreamingPipeline } from './pipeline.ts'

const obstacle = await localObstacle('kafka')
const TOOL = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'

let pipeline: StreamingPipeline
beforeEach(async () => {
  pipeline = await openPipeline()
})
afterEach(() => pipeline?.close())

const lagOf = async (group: string) => (await call('GET', `${pipeline.third.url}/lag?group=${group}`)).json

/** Other tests of the run write to the file, too. */
const reasonsIn = (logFile: string) =>
  readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .flatMap((line) => JSON.parse(line).reason ?? [])

async function placeOne(): Promise<string> {
  return (await place(pipeline, { item: 'burger', quantity: 1 })).json.order_id
}

/** Committed, end and lag of each partition, as Kafka's own tool prints them. */
async function askTool(group: string) {
  const { brokers, prefix } = pipeline.part.kafka!
  const tool = await openKafkaTools(localContext(joinRunDir()))
  const args = ['--bootstrap-server', brokers.join(','), '--describe', '--group', `${prefix}${group}`]
  const lines = (await tool(TOOL, args)).split('\n').map((line) => line.trim().split(/\s+/))
  return lines
    .filter(([name]) => name === `${prefix}${group}`)
    .map(([, topic, ...numbers]) =>
      [topic?.slice(prefix.length), ...numbers.slice(0, 4).map(Number)].join(' '),
    )
    .sort()
}

const told = async (group: string) =>
  ((await lagOf(group)).partitions as Record<string, unknown>[])
    .map((one) =>
      [one.topic, one.partition, one.committed_offset, one.end_offset, one.lag_messages].join(' '),
    )
    .sort()

describe('a foreign client in inventory-group', () => {
  test('that commits past orders: they are told of, and decided when it has gone', async () => {
    await decided(pipeline, await placeOne())
    await pipeline.inventory.stop()
    const foreign = await joinAsForeignMember(pipeline.part.kafka!, {
      group: 'inventory-group',
      topic: 'order-events',
    })
    onTestFinished(foreign.leave)
    const orders = [await placeOne(), await placeOne(), await placeOne(), await placeOne()]

    const lag = await waitFor('the foreign client to have committed them', async () => {
      const report = await lagOf('inventory-group')
      return report.lag_messages === 0 && report.waiting.unread_records === 0 && report
    })
    expect(lag.members).toMatchObject([{ client_id: 'foreign' }])
    expect(lag.waiting).toMatchObject({ undecided_orders: 4, oldest_order_id: expect.any(String) })
    expect(orders).toContain(lag.waiting.oldest_order_id)

    const started = pipeline.inventory.start()
    started.catch(() => {})
    const { checks } = await waitFor('the inventory to say why it cannot join', async () => {
      const { json } = await readiness(pipeline.inventory)
      return json.checks.consumer.startsWith('inventory-group: ') && json
    })
    expect(checks.broker).toBe('ok')
    const reason = checks.consumer.slice('inventory-group: '.length)
    expect(reason).toMatch(/protocol/)
    await waitFor('its log to say the same', async () =>
      reasonsIn(pipeline.part.inventory.logFile).includes(reason),
    )

    await foreign.leave()
    await started
    for (const order_id of orders) expect((await decided(pipeline, order_id)).status).toBe('reserved')
    await counted(pipeline.third, 5)
    expect((await lagOf('inventory-group')).waiting.undecided_orders).toBe(0)
    expect((await stockOf(pipeline)).burger).toBe(95)
  })
})

describe("a foreign client's open transaction", () => {
  test('holds orders up and is told of; its end leaves nothing behind', async () => {
    const topic = 'order-events'
    const transaction = await openForeignTransaction(pipeline.part.kafka!, { topic, partitions: 3 })
    let isOpen = true
    onTestFinished(async () => {
      if (isOpen) await transaction.abort()
    })
    const order_id = await placeOne()

    const held = await lagOf('inventory-group')
    expect(held.lag_messages).toBe(4)
    expect(
      held.partitions.map((one: { unreadable_messages: number }) => one.unreadable_messages).sort(),
    ).toEqual([1, 1, 2])
    expect(held.waiting.unread_records).toBe(4)

    await transaction.abort()
    isOpen = false
    expect((await decided(pipeline, order_id)).status).toBe('reserved')
    await waitFor('both groups to have read to the end', async () => {
      const lags = [await lagOf('inventory-group'), await lagOf('analytics-group')]
      return lags.every(({ lag_messages, waiting }) => lag_messages === 0 && waiting.unread_records === 0)
    })
  })
})

describe.skipIf(obstacle)(`GET /lag ${obstacle ?? ''}`, () => {
  test("agrees with Kafka's own tool, of a group that has read all and of one that is stopped", async () => {
    await decided(pipeline, await placeOne())
    await counted(pipeline.third, 1)
    await pipeline.inventory.stop()
    for (let i = 0; i < 5; i++) await placeOne()
    await waitFor(
      'analytics to have committed',
      async () => (await lagOf('analytics-group')).lag_messages === 0,
    )

    // A partition that nobody committed has no numbers there, and counts in full here.
    const known = await askTool('inventory-group')
    expect(known.filter((line) => !line.includes('NaN'))).toEqual(
      (await told('inventory-group')).filter((line) => known.includes(line)),
    )
    expect((await lagOf('inventory-group')).lag_messages).toBe(5)
    expect(await told('analytics-group')).toEqual(await askTool('analytics-group'))
  })
})
