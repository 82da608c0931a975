import { randomUUID } from 'node:crypto'
import { createLog } from '@lab/kit/log.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { serverKinds } from '@lab/stack/servers/index.ts'
import { afterAll, expect, test } from 'vitest'
import { createBills } from '../services/billing-service/bills.ts'
import { openDb } from '../shared/db/db.ts'
import { keepMigrating } from '../shared/db/migrate.ts'
import { addToOutbox } from '../shared/db/outbox.ts'
import type { Identity } from '../shared/identity/identity.ts'
import { cancelled, placed } from './events.ts'

joinRunDir()
const place = await serverKinds.postgres.place(sharedServer('postgres'), { part: 'billing-test' })
const log = createLog('test', 'silent')
const db = openDb({ url: place.url, connections: 10, log })
const migrating = keepMigrating(db, 'billing-service', { skip: false, log })
await waitFor('the tables', () => migrating.state() === 'ok')
afterAll(async () => {
  await migrating.close()
  await db.close()
  await place.close()
})

const bills = createBills({
  db,
  consumer: 'billing-service',
  changed: (tx, ...changes) =>
    addToOutbox(
      tx,
      ...changes.map(({ type, bill }) => ({ topic: type, key: bill.order_id, event: { id: randomUUID() } })),
    ),
})
const told = async (orderId: string) =>
  (
    await db.query<{ topic: string }>('select topic from outbox where key = $1 order by created_at', [
      orderId,
    ])
  ).map(({ topic }) => topic)
const admin: Identity = { user_id: randomUUID(), email: 'admin@example.com', role: 'admin' }
const billOf = async (orderId: string) => (await bills.findByOrder(admin, orderId))!

test('an order has one bill, whatever comes twice, with ten percent of tax', async () => {
  const event = placed({ total_cents: 1_235 })
  await bills.take([event, event])
  await bills.take([event, { ...event, id: randomUUID() }])

  expect(await billOf(event.subject)).toMatchObject({
    subtotal: 12.35,
    tax: 1.24,
    total: 13.59,
    payment_status: 'unpaid',
  })
  expect(await told(event.subject)).toEqual(['bill.created'])
  expect((await bills.list(admin, { limit: 1_000 })).rows).toHaveLength(1)
})

test('a bill is paid once, however many pay it at the same time', async () => {
  const event = placed()
  await bills.take([event])
  const { bill_id } = await billOf(event.subject)

  const paid = await Promise.all(Array.from({ length: 8 }, () => bills.pay(admin, bill_id)))

  expect(new Set(paid.map(({ payment_status, paid_at }) => `${payment_status} ${paid_at}`)).size).toBe(1)
  expect(await told(event.subject)).toEqual(['bill.created', 'bill.paid'])
})

test('nobody owes anything for an order that was cancelled', async () => {
  const [open, paid] = [placed(), placed()]
  await bills.take([open, paid])
  await bills.pay(admin, (await billOf(paid.subject)).bill_id)
  await bills.take([cancelled(open.subject), cancelled(paid.subject), cancelled(open.subject)])

  expect(await billOf(open.subject)).toMatchObject({ payment_status: 'cancelled', paid_at: null })
  expect(await billOf(paid.subject)).toMatchObject({
    payment_status: 'cancelled',
    paid_at: expect.any(String),
  })
  expect(await told(open.subject)).toEqual(['bill.created', 'bill.cancelled'])
  await expect(bills.pay(admin, (await billOf(open.subject)).bill_id)).rejects.toMatchObject({
    code: 'LAB_CONFLICT',
  })
})

test('a bill is seen by who ordered, by the owner, by admins, and by nobody else', async () => {
  const event = placed()
  if (event.type !== 'order.placed') throw new Error('not placed')
  await bills.take([event])
  const { bill_id } = await billOf(event.subject)
  const { user_id, owner_id } = event.data
  const customer: Identity = { user_id, email: 'ada@example.com', role: 'customer' }
  const owner: Identity = { ...customer, user_id: owner_id, role: 'owner' }

  for (const who of [admin, customer, owner])
    expect(await bills.find(who, bill_id)).toMatchObject({ bill_id })
  expect((await bills.list(customer, { limit: 1_000 })).rows).toHaveLength(1)
  for (const role of ['customer', 'owner', 'kitchen'] as const) {
    const stranger: Identity = { ...customer, user_id: randomUUID(), role }
    expect(await bills.find(stranger, bill_id)).toBeUndefined()
    expect(await bills.findByOrder(stranger, event.subject)).toBeUndefined()
    expect((await bills.list(stranger, { limit: 1_000 })).rows).toEqual([])
    await expect(bills.pay(stranger, bill_id)).rejects.toMatchObject({ code: 'LAB_NOT_FOUND' })
  }
})
