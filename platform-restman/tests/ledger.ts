import { randomUUID } from 'node:crypto'
import { createLog } from '@lab/kit/log.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { localContext } from '@lab/stack/fixtures/lab.ts'
import { openRunDir } from '@lab/stack/run-dir.ts'
import { startServer } from '@lab/stack/servers/index.ts'
import { expect } from 'vitest'
import { type Db, openDb } from '../shared/db/db.ts'
import { TOPICS } from '../shared/events/events.ts'
import { createKafka } from '../shared/kafka/client.ts'
import { deadLettersOf } from '../shared/kafka/topics.ts'
import { expectStatus } from './call.ts'
import { openPlatform, openRestaurant } from './platform.ts'

export interface Victim {
  kill: () => Promise<unknown>
  start: () => Promise<unknown>
}

interface LogRecord {
  key: Buffer | null
  value: Buffer | null
  /** Of a dead letter: who put it aside, and why. */
  reason: string
}

interface Sums {
  count: number
  cents: number
}

const ALL = Object.values(TOPICS)
const GROUPS = ['order', 'kitchen', 'billing', 'analytics', 'scheduler'].map((name) => `${name}-service`)
const CUSTOMERS = 6
const SINCE = `start_date=${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)}`
const log = createLog('test', 'silent')
const sumOf = async (db: Db, sql: string): Promise<Sums> => (await db.query<Sums>(sql))[0]!

export type Ledger = Awaited<ReturnType<typeof openLedger>>

/** The whole platform on servers of its own, customers who order at it, and what must be true of all their orders. */
export async function openLedger() {
  const run = await openRunDir()
  const context = localContext(run)
  const [postgres, kafka, redis, clickhouse, mail] = await Promise.all([
    startServer('postgres', context),
    startServer('kafka', context),
    startServer('redis', context),
    startServer('clickhouse', context),
    startServer('mail', context),
  ])
  const platform = await openPlatform({ run, servers: { postgres, kafka, redis, clickhouse, mail } })
  const { part } = platform
  const dbOf = (service: string) =>
    openDb({ url: part.servers.postgres!.services![service]!, connections: 2, log })
  const [orders, kitchen, billing] = ['order-service', 'kitchen-service', 'billing-service'].map(dbOf) as [
    Db,
    Db,
    Db,
  ]
  const [owner, customer, admin] = [
    await platform.withRole('owner'),
    await platform.signIn(),
    await platform.admin(),
  ]
  const place = await openRestaurant(owner)
  const foods = await Promise.all(
    [0.99, 7.77, 12.35].map(async (price) => {
      const food = { category_id: place.category_id, name: `Food for ${price}`, price }
      return (await expectStatus(owner.send('POST', '/api/foods', food), 201)).json.food_id as string
    }),
  )
  const cook = await platform.withRole('kitchen', place.restaurant_id)

  const accepted: string[] = []
  let delivered = 0
  async function orderOne(at: number): Promise<void> {
    const items = foods
      .slice(0, 1 + (at % 3))
      .map((food_id, line) => ({ food_id, quantity: 1 + ((at + line) % 4) }))
    const headers = { 'idempotency-key': randomUUID() }
    const body = { restaurant_id: place.restaurant_id, items }
    const { status, json } = await insist('an order', () =>
      customer.send('POST', '/api/orders', body, headers),
    )
    expect([200, 201]).toContain(status)
    const { order_id } = json as { order_id: string }
    accepted.push(order_id)
    if (at % 2 === 0) return
    const ticket = await insist('a ticket', async () => {
      const answer = await cook.get(`/api/kitchen/tickets/order/${order_id}`)
      return answer.status === 404 ? { ...answer, status: 503 } : answer
    })
    const { ticket_id } = ticket.json as { ticket_id: string }
    for (const next of ['PREPARING', 'READY', 'DELIVERED']) {
      const path = `/api/kitchen/tickets/${ticket_id}/status`
      // Where the answer was lost the step was made, and is answered as it is.
      await insist(next, () => cook.send('PATCH', path, { status: next }))
    }
    delivered++
  }

  const figures = async () => {
    const [revenue, statuses, top] = await Promise.all(
      [`revenue?${SINCE}`, `orders-by-status?${SINCE}`, `top-foods?${SINCE}`].map((path) =>
        expectStatus(admin.get(`/api/analytics/${path}`), 200),
      ),
    )
    return { revenue: revenue!.json.total, statuses: statuses!.json.statuses, top: top!.json }
  }

  /** Everything that must be true once nothing is under way any more. */
  async function balance(): Promise<void> {
    const lines = await sumOf(
      orders,
      'select count(distinct order_id) as count, sum(total_price_cents)::int8 as cents from order_items',
    )
    const stored = await sumOf(
      orders,
      'select count(*) as count, sum(total_cents)::int8 as cents from orders',
    )
    expect(lines).toEqual(stored)
    const ids = await orders.query<{ order_id: string }>('select order_id from orders')
    expect(new Set(ids.map(({ order_id }) => order_id))).toEqual(new Set(accepted))
    const tickets = await sumOf(
      kitchen,
      'select count(*) as count, count(distinct order_id) as cents from tickets',
    )
    expect(tickets).toEqual({ count: stored.count, cents: stored.count })
    const bills = await sumOf(
      billing,
      'select count(*) as count, sum(subtotal_cents)::int8 as cents from bills',
    )
    expect(bills).toEqual(stored)
    const wrong = 'select order_id from bills where tax_cents <> (subtotal_cents + 5) / 10'
    expect(await billing.query(wrong)).toEqual([])
    const ended = await sumOf(
      orders,
      `select count(*) as count, 0 as cents from orders where status = 'delivered'`,
    )
    expect(ended.count).toBe(delivered)
    const taxes = await sumOf(
      billing,
      'select count(distinct order_id) as count, sum(tax_cents)::int8 as cents from bills',
    )
    const { revenue, statuses } = await figures()
    expect(revenue).toMatchObject({
      bill_count: stored.count,
      subtotal: stored.cents / 100,
      tax: taxes.cents / 100,
      revenue: (stored.cents + taxes.cents) / 100,
    })
    const inStatus = Object.fromEntries(
      statuses.map((one: { status: string; order_count: number }) => [one.status, one.order_count]),
    )
    expect(inStatus).toEqual({ placed: stored.count - delivered, delivered })
    const mails = await sumOf(kitchen, 'select count(*) as count, count(sent_at) as cents from mails')
    expect(mails).toEqual({ count: delivered, cents: delivered })
  }

  /** Whatever is under way arrives. */
  async function settled(what: string): Promise<void> {
    const balanced = async () => {
      await balance()
      return true
    }
    try {
      await waitFor(what, balanced, { timeoutMs: 90_000, everyMs: 500 })
    } finally {
      // First of all: where there is one, it is why.
      await noDeadLetters()
    }
  }

  const { brokers, prefix } = part.servers.kafka!
  const client = createKafka({ brokers, prefix, replicationFactor: 1, clientId: 'ledger', log })
  type Admin = ReturnType<typeof client.admin>
  const endsOf = (admin: Admin, name: string) => admin.fetchTopicOffsets(`${prefix}${name}`)

  async function recordsOf(admin: Admin, name: string): Promise<LogRecord[]> {
    const topic = `${prefix}${name}`
    const wanted = (await endsOf(admin, name)).reduce(
      (sum, { high, low }) => sum + Number(high) - Number(low),
      0,
    )
    if (wanted === 0) return []
    const consumer = client.consumer({ groupId: `${prefix}ledger-${randomUUID()}`, maxWaitTimeInMs: 100 })
    const records: LogRecord[] = []
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        const { key, value, headers } = message
        records.push({ key, value, reason: `${headers?.consumer}: ${headers?.reason}` })
      },
    })
    await waitFor(`the records of ${name}`, () => records.length >= wanted, { timeoutMs: 30_000 })
    await consumer.disconnect()
    return records
  }

  /** Nothing that the services tell each other is put aside. */
  async function noDeadLetters(): Promise<void> {
    const admin = client.admin()
    await admin.connect()
    const letters = await Promise.all(ALL.map((name) => recordsOf(admin, deadLettersOf(name))))
    await admin.disconnect()
    expect(letters.flat().map(({ reason }) => reason)).toEqual([])
  }

  /** Puts every record of the topics at their end, in its order, so many times, and waits until all have heard it. */
  async function replay(times: number): Promise<void> {
    const [admin, producer] = [client.admin(), client.producer()]
    await Promise.all([admin.connect(), producer.connect()])
    for (const name of ALL) {
      const messages = (await recordsOf(admin, name)).map(({ key, value }) => ({ key, value }))
      for (let time = 0; time < times && messages.length > 0; time++)
        await producer.send({ topic: `${prefix}${name}`, messages })
    }
    const hasReadAll = async (groupId: string) =>
      (
        await admin.fetchOffsets({ groupId: `${prefix}${groupId}`, topics: [`${prefix}${TOPICS.order}`] })
      ).every(({ partitions }) => partitions.every(({ partition, offset }) => offset === ends.get(partition)))
    const ends = new Map((await endsOf(admin, TOPICS.order)).map(({ partition, high }) => [partition, high]))
    for (const group of GROUPS)
      await waitFor(`${group} to have heard all of it`, () => hasReadAll(group), { timeoutMs: 60_000 })
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }

  let isOver = false
  let count = 0
  return {
    accepted,
    settled,
    replay,
    figures,
    orderOne: () => orderOne(count++),
    /** Whatever a SIGKILL may end: the services and the servers that keep something. */
    victims: [
      ...Object.values(part.services).map(({ kill, start }) => ({ kill, start: () => start() })),
      ...[postgres, kafka, redis].map(({ control }) => control!),
    ] as Victim[],
    /** Orders one after the other, by many customers, while `work` goes on. */
    async during(work: () => Promise<void>): Promise<void> {
      isOver = false
      const customers = Array.from({ length: CUSTOMERS }, async () => {
        while (!isOver) await orderOne(count++)
      })
      try {
        await work()
      } finally {
        isOver = true
      }
      await Promise.all(customers)
    },
    /** What services have stored, in the order in which they hear of it. */
    stored: () =>
      Promise.all([
        sumOf(orders, 'select count(*) as count, sum(total_cents)::int8 as cents from orders'),
        sumOf(
          kitchen,
          `select count(*) as count, count(*) filter (where status = 'DELIVERED') as cents from tickets`,
        ),
        sumOf(billing, 'select count(*) as count, sum(total_cents)::int8 as cents from bills'),
      ]),
    async close(): Promise<void> {
      await Promise.all([orders, kitchen, billing].map((db) => db.close()))
      await run.close()
    },
  }
}

/** Of these, some in no order, as many at a time: what is killed together may need each other to come back. */
export const shuffled = <Thing>(things: readonly Thing[]): Thing[] => {
  const left = [...things]
  return things.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0]!)
}

export async function killTogether(victims: Victim[]): Promise<void> {
  await Promise.all(victims.map((victim) => victim.kill()))
  await Promise.all(victims.map((victim) => victim.start()))
}

/** Asks until the answer is one: an outage is no answer. */
async function insist(what: string, ask: () => Promise<{ status: number; json: unknown }>) {
  return waitFor(
    what,
    async () => {
      const { status, json } = await ask()
      return status < 500 && ({ status, json } as { status: number; json: never })
    },
    { timeoutMs: 60_000, everyMs: 100 },
  )
}
