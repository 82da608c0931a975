import { randomUUID } from 'node:crypto'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { serverKinds } from '@lab/stack/servers/index.ts'
import { afterAll, expect, test } from 'vitest'
import { openClickHouse } from '../services/analytics-service/clickhouse.ts'
import { type Incoming, onEvents } from '../services/analytics-service/on-events.ts'
import { type OrderEvent, TOPICS } from '../shared/events/events.ts'
import { moved, placed } from './events.ts'

joinRunDir()
const place = await serverKinds.clickhouse.place(sharedServer('clickhouse'), { part: 'analytics-test' })
const clickhouse = openClickHouse(place)
await clickhouse.prepare()
afterAll(async () => {
  await clickhouse.close()
  await place.close()
})

/** One batch of one partition, as a fetch brings it. */
const take = (...events: OrderEvent[]) =>
  onEvents(clickhouse)(
    events.map(
      (event, at): Incoming => ({
        event,
        topic: TOPICS.order,
        partition: 0,
        offset: String(at),
        loggedAt: new Date(),
      }),
    ),
  )
const statusOf = async (orderId: string) => (await clickhouse.orders([orderId])).map(({ status }) => status)

test('an order keeps its status when a relay repeats that it was placed, wherever a batch ends', async () => {
  const order = placed()
  const { subject } = order
  await take(order, moved(subject, 'preparing'), order)
  expect(await statusOf(subject)).toEqual(['preparing'])

  await take(moved(subject, 'ready'), order)
  expect(await statusOf(subject)).toEqual(['ready'])

  await take(order, moved(subject, 'delivered'), order)
  expect(await statusOf(subject)).toEqual(['delivered'])
})

test('a status of an order that was never placed is put aside, with what it says', async () => {
  const order = placed()
  const stranger = randomUUID()
  await expect(take(order, moved(stranger, 'ready'))).rejects.toMatchObject({
    offset: '1',
    message: `order ${stranger} was never placed`,
  })
})
