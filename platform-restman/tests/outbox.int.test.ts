import { randomUUID } from 'node:crypto'
import { Faults } from '@lab/kit/faults.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { serverKinds } from '@lab/stack/servers/index.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTickets } from '../services/kitchen-service/tickets.ts'
import { openDb } from '../shared/db/db.ts'
import { migrate } from '../shared/db/migrate.ts'
import { addToOutbox, newsAmong } from '../shared/db/outbox.ts'
import { OrderEvent, type OrderPlaced, TOPICS } from '../shared/events/events.ts'
import type { Identity } from '../shared/identity/identity.ts'
import { createKafka } from '../shared/kafka/client.ts'
import { type Received, runConsumer } from '../shared/kafka/consumer.ts'
import { startRelay } from '../shared/kafka/relay.ts'
import { ensureTopics } from '../shared/kafka/topics.ts'
import { placed } from './events.ts'

joinRunDir()
const place = await serverKinds.postgres.place(sharedServer('postgres'), { part: 'outbox-test' })
const topics = await serverKinds.kafka.place(sharedServer('kafka'), { part: 'outbox-test' })
const log = createLog('test', 'silent')
const db = openDb({ url: place.url, connections: 20, log })
await migrate(db, 'kitchen-service', log)
const { brokers, prefix } = topics
const settings = { brokers, prefix, replicationFactor: 1, clientId: 'test', log }
const metrics = createMetrics('test')
const open: (() => Promise<unknown>)[] = []
const isOpen = <Thing extends { close: () => Promise<unknown> }>(thing: Thing): Thing => {
  open.push(thing.close)
  return thing
}
afterAll(async () => {
  await Promise.all(open.map((close) => close()))
  await db.close()
  await place.close()
  await topics.close()
})

const consumer = 'kitchen-service'
const tickets = createTickets({ db, consumer, begin: async () => true, moved: async () => {} })
const admin: Identity = { user_id: randomUUID(), email: 'admin@example.com', role: 'admin' }
const heard: Received<OrderEvent>[] = []
const faults = new Faults()
const hear = (groupId: string, onEvents: (events: Received<OrderEvent>[]) => Promise<void>) =>
  isOpen(
    runConsumer(settings, { groupId, topics: { [TOPICS.order]: OrderEvent }, onEvents, faults, metrics }),
  )
const putOut = (event: OrderEvent) =>
  db.transaction((tx) => addToOutbox(tx, { topic: TOPICS.order, key: event.subject, event }))

/** A consumer that a busy machine held up is thrown out of its group and joins again. */
const PATIENT = { timeoutMs: 60_000 }
const letters: Record<string, string>[] = []
/** A client of the part leaves it to its caller to begin again after an error, as `runConsumer` does: a bare reader would stay deaf. */
const AGAIN = { restartOnFailure: async () => true }
const kafka = createKafka(settings)
const [producer, reader] = [
  kafka.producer(),
  kafka.consumer({ groupId: `${prefix}letters`, maxWaitTimeInMs: 100, retry: AGAIN }),
]
beforeAll(async () => {
  await ensureTopics(settings)
  await Promise.all([producer.connect(), reader.connect()])
  await reader.subscribe({ topics: [`${prefix}${TOPICS.order}.dlt`], fromBeginning: true })
  await reader.run({
    eachMessage: async ({ message: { key, headers } }) => {
      letters.push({ key: String(key), reason: String(headers?.reason) })
    },
  })
  open.push(() => producer.disconnect())
  open.push(() => reader.disconnect())
})

test('topics have three partitions and a place for what cannot be handled', async () => {
  const client = kafka.admin()
  await client.connect()
  const names = Object.values(TOPICS).flatMap((topic) => [`${prefix}${topic}`, `${prefix}${topic}.dlt`])
  const { topics } = await client.fetchTopicMetadata({ topics: names })
  const counts = topics.map(({ name, partitions }) => [name.slice(prefix.length), partitions.length])
  await client.disconnect()
  expect(Object.fromEntries(counts)).toEqual({
    'user.events': 3,
    'menu.events': 3,
    'order.events': 3,
    'bill.events': 3,
    'user.events.dlt': 1,
    'menu.events.dlt': 1,
    'order.events.dlt': 1,
    'bill.events.dlt': 1,
  })
})

test('events leave their outbox once, in the order of their key, however many relays there are', async () => {
  const relays = Array.from({ length: 3 }, () => isOpen(startRelay(db, settings, metrics)))
  const group = hear('listener', async (events) => {
    heard.push(...events)
  })
  await waitFor('the listener', () => group.state() === 'ok')
  const orders = Array.from({ length: 10 }, () => randomUUID())
  const put: OrderEvent[] = []
  for (let step = 0; step < 12; step++) {
    const round = orders.map((order_id) => ({ ...placed({ order_id }), subject: order_id }))
    await Promise.all(round.map(putOut))
    put.push(...round)
  }
  await waitFor('all of them', () => heard.length >= put.length)
  const idsOf = (events: OrderEvent[], order_id: string) =>
    events.filter(({ subject }) => subject === order_id).map(({ id }) => id)
  for (const order_id of orders)
    expect(
      idsOf(
        heard.map(({ event }) => event),
        order_id,
      ),
    ).toEqual(idsOf(put, order_id))
  await waitFor('an empty outbox', async () => {
    const [row] = await db.query<{ count: number }>(
      'select count(*) as count from outbox where published_at is null',
    )
    return row!.count === 0
  })
  await Promise.all(relays.map(({ close }) => close()))
})

test('an event is news once, to each consumer, and only with its effect', async () => {
  const id = randomUUID()
  const ask = (name: string) => db.transaction((tx) => newsAmong(tx, name, [{ id }, { id }]))
  const undone = db.transaction(async (tx) => {
    await newsAmong(tx, 'one', [{ id }])
    throw new Error('no effect')
  })
  await expect(undone).rejects.toThrow('no effect')
  expect([await ask('one'), await ask('one'), await ask('other')]).toEqual([[{ id }], [], [{ id }]])
})

test('what was handled and not committed is handled again, and changes nothing', async () => {
  const tries = new Map<number, number>()
  const group = hear('crashing', async (events) => {
    const { partition } = events[0]!
    const attempt = (tries.get(partition) ?? 0) + 1
    tries.set(partition, attempt)
    if (attempt === 1) throw new Error('killed before its effect')
    await tickets.take(events.map(({ event }) => event))
    if (attempt === 2) throw new Error('killed before its commit')
  })
  await waitFor('the group', () => group.state() === 'ok')
  const count = async () =>
    (await db.query<{ count: number }>('select count(*) as count from tickets'))[0]!.count
  await waitFor('all tickets', async () => (await count()) === 10)
  await waitFor('another try', () => [...tries.values()].every((attempt) => attempt > 2))
  const [row] = await db.query<{ count: number }>('select count(*) as count from inbox where consumer = $1', [
    consumer,
  ])
  expect(row!.count).toBe(120)
  expect(await count()).toBe(10)
})

test('what the database refuses for what it is goes aside, and its neighbours go on', async () => {
  const named = (food_name: string) => {
    const event = placed()
    const data = event.data as OrderPlaced
    return { ...event, data: { ...data, items: data.items.map((item) => ({ ...item, food_name })) } }
  }
  const [before, wrong, after] = [named('Soup'), named('Nu\0l'), named('Pizza')]
  // Of one key here: they are in one partition, and in one batch.
  const key = before.subject
  const order_id = key
  const events = [
    before,
    { ...wrong, subject: key, data: { ...wrong.data, order_id } },
    { ...after, subject: key, data: { ...after.data, order_id } },
  ]
  await producer.send({
    topic: `${prefix}${TOPICS.order}`,
    messages: events.map((event) => ({ key, value: JSON.stringify(event) })),
  })
  const letter = await waitFor('the letter', () => letters.find((one) => one.key === key), PATIENT)
  expect(letter.reason).toMatch(/unicode|\\u0000/i)
  const isHandled = async ({ id }: { id: string }) =>
    (await db.query('select event_id from inbox where event_id = $1 and consumer = $2', [id, consumer]))
      .length === 1
  await waitFor('the next one', () => isHandled(after), PATIENT)
  expect(await isHandled(before)).toBe(true)
  expect(await isHandled(wrong)).toBe(false)
  expect(await tickets.findByOrder(admin, key)).toMatchObject({ items: [{ food_name: 'Soup' }] })
})

test('a relay publishes nothing while another one is at it', async () => {
  let turns = 0
  const watched: typeof db = {
    ...db,
    transaction: async (work, isolation) => {
      const result = await db.transaction(work, isolation)
      turns++
      return result
    },
  }
  const event = placed({})
  const published = () =>
    db.query('select id from outbox where id = $1 and published_at is not null', [event.id])
  await db.transaction(async (tx) => {
    await tx.query(`select name from outbox_lock where name = 'relay' for update`)
    await putOut(event)
    isOpen(startRelay(watched, settings, metrics))
    await waitFor('its turn', () => turns > 0)
    expect(await published()).toEqual([])
  })
  await waitFor('the event to be published', async () => (await published()).length === 1)
})
