import { randomUUID } from 'node:crypto'
import { LabError } from '@lab/kit/errors.ts'
import { createLog } from '@lab/kit/log.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { serverKinds } from '@lab/stack/servers/index.ts'
import { afterAll, expect, test } from 'vitest'
import type { TicketStatus } from '../services/kitchen-service/steps.ts'
import { createTickets, readyMailOf } from '../services/kitchen-service/tickets.ts'
import { openDb } from '../shared/db/db.ts'
import { keepMigrating } from '../shared/db/migrate.ts'
import type { OrderEvent } from '../shared/events/events.ts'
import type { Identity } from '../shared/identity/identity.ts'
import { addMail, startMailSender } from '../shared/mail/outbox.ts'
import { cancelled, placed } from './events.ts'

joinRunDir()
const place = await serverKinds.postgres.place(sharedServer('postgres'), { part: 'kitchen-test' })
const log = createLog('test', 'silent')
const db = openDb({ url: place.url, connections: 10, log })
const migrating = keepMigrating(db, 'kitchen-service', { skip: false, log })
await waitFor('the tables', () => migrating.state() === 'ok')
afterAll(async () => {
  await migrating.close()
  await db.close()
  await place.close()
})

const cancelledOrders = new Set<string>()
const tickets = createTickets({
  db,
  consumer: 'kitchen-service',
  begin: async (orderId) => !cancelledOrders.has(orderId),
  moved: async (tx, { ticket, email }) => {
    const key = `${ticket.order_id} ${ticket.status}`
    await tx.query(`insert into outbox (id, topic, key, payload) values ($1, 'order.events', $2, '{}')`, [
      randomUUID(),
      key,
    ])
    if (ticket.status === 'READY')
      await addMail(tx, {
        to: email,
        subject: 'Ready',
        text: 'Ready',
        messageId: readyMailOf(ticket.order_id),
      })
  },
})

const owner: Identity = { user_id: randomUUID(), email: 'owner@example.com', role: 'owner' }
const restaurant_id = randomUUID()
const cook: Identity = { user_id: randomUUID(), email: 'cook@example.com', role: 'kitchen', restaurant_id }

const here = () => placed({ restaurant_id, owner_id: owner.user_id })
const ticketOf = async ({ subject }: OrderEvent) => (await tickets.findByOrder(cook, subject))!

test('an order has one ticket, whatever comes twice, and by two events', async () => {
  const event = here()
  await tickets.take([event, event])
  await tickets.take([event])
  await tickets.take([{ ...event, id: randomUUID() }])

  const { rows } = await tickets.list(cook, { limit: 1_000 })
  expect(rows.filter(({ order_id }) => order_id === event.subject)).toHaveLength(1)
  expect(await ticketOf(event)).toMatchObject({
    status: 'PENDING',
    items: [{ food_name: 'Pizza', quantity: 2 }],
  })
})

test('a ticket goes one step at a time, and of many who make it one does', async () => {
  const event = here()
  await tickets.take([event])
  const { ticket_id } = await ticketOf(event)
  const refused: [TicketStatus, string][] = [
    ['READY', 'PENDING'],
    ['DELIVERED', 'PENDING'],
  ]
  for (const [to] of refused)
    await expect(tickets.move(cook, ticket_id, to)).rejects.toMatchObject({ code: 'LAB_CONFLICT' })

  for (const to of ['PREPARING', 'READY', 'DELIVERED'] as const) {
    const moves = await Promise.all(Array.from({ length: 8 }, () => tickets.move(cook, ticket_id, to)))
    expect(new Set(moves.map(({ status }) => status))).toEqual(new Set([to]))
  }

  const rows = await db.query<{ key: string }>(
    'select key from outbox where key like $1 order by created_at',
    [`${event.subject}%`],
  )
  expect(rows.map(({ key }) => key.split(' ')[1])).toEqual(['PREPARING', 'READY', 'DELIVERED'])
  for (const to of ['PENDING', 'PREPARING', 'CANCELLED'] as const)
    await expect(tickets.move(cook, ticket_id, to)).rejects.toMatchObject({ code: 'LAB_CONFLICT' })
})

test('a ticket is seen by its kitchen, its owner, admins, and nobody else', async () => {
  const event = here()
  await tickets.take([event])
  const { ticket_id } = await ticketOf(event)
  const strangers: Identity[] = [
    { ...cook, restaurant_id: randomUUID() },
    { ...cook, restaurant_id: undefined },
    { ...owner, user_id: randomUUID() },
  ]

  for (const who of [cook, owner, { ...owner, user_id: randomUUID(), role: 'admin' as const }])
    expect(await tickets.find(who, ticket_id)).toMatchObject({ ticket_id })
  for (const who of strangers) {
    expect(await tickets.find(who, ticket_id)).toBeUndefined()
    expect((await tickets.list(who, { limit: 1_000 })).rows).toEqual([])
    await expect(tickets.move(who, ticket_id, 'PREPARING')).rejects.toMatchObject({ code: 'LAB_NOT_FOUND' })
  }
})

test('an order that is cancelled is cooked no more', async () => {
  const [early, late] = [here(), here()]
  await tickets.take([early, late])
  const { ticket_id } = await ticketOf(late)
  for (const to of ['PREPARING', 'READY', 'DELIVERED'] as const) await tickets.move(cook, ticket_id, to)

  await tickets.take([cancelled(early.subject), cancelled(late.subject)])

  expect((await ticketOf(early)).status).toBe('CANCELLED')
  expect((await ticketOf(late)).status).toBe('DELIVERED')
  await expect(tickets.move(cook, (await ticketOf(early)).ticket_id, 'PREPARING')).rejects.toMatchObject({
    code: 'LAB_CONFLICT',
  })
})

test('a ticket whose order was cancelled in the meantime is not begun', async () => {
  const event = here()
  await tickets.take([event])
  const { ticket_id } = await ticketOf(event)
  cancelledOrders.add(event.subject)

  await expect(tickets.move(cook, ticket_id, 'PREPARING')).rejects.toMatchObject({ code: 'LAB_CONFLICT' })

  expect((await ticketOf(event)).status).toBe('PENDING')
  expect(await db.query('select key from outbox where key like $1', [`${event.subject}%`])).toEqual([])
  await tickets.take([cancelled(event.subject)])
  expect((await ticketOf(event)).status).toBe('CANCELLED')
})

test('a mail that the mail server will never take says why', async () => {
  const event = here()
  await tickets.take([event])
  const { ticket_id } = await ticketOf(event)
  for (const to of ['PREPARING', 'READY'] as const) await tickets.move(cook, ticket_id, to)
  expect(await ticketOf(event)).toMatchObject({ mail_sent_at: null, mail_refused: null })

  let tries = 0
  const refuse = () => {
    tries++
    throw new LabError('LAB_REQUEST_INVALID', 'the mail server refuses it: 550 no such mailbox')
  }
  const sender = startMailSender(db, { send: async () => refuse(), state: () => 'ok', close: () => {} }, log)
  await waitFor('the reason', async () => (await ticketOf(event)).mail_refused?.includes('550'))
  await sender.close()

  const [row] = await db.query<{ tries: number }>('select tries from mails where message_id = $1', [
    readyMailOf(event.subject),
  ])
  expect([tries > 0, row!.tries]).toEqual([true, 1])
})

test('tickets are read page by page, with a filter', async () => {
  const events = Array.from({ length: 5 }, here)
  await tickets.take(events)
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await tickets.list(cook, {
      limit: 2,
      status: 'PENDING',
      restaurant_id,
      ...(cursor && { cursor }),
    })
    seen.push(...page.rows.map(({ order_id }) => order_id))
    cursor = page.next
  } while (cursor)

  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toEqual(expect.arrayContaining(events.map(({ subject }) => subject)))
})
