import { LabError } from '@lab/kit/errors.ts'
import { type Page, PageQuery, pageOf } from '@lab/kit/paging.ts'
import { z } from 'zod'
import { cursorColumn, readCursor } from '../../shared/db/cursor.ts'
import type { Db, Tx } from '../../shared/db/db.ts'
import { columnsOf, newsAmong } from '../../shared/db/outbox.ts'
import type { OrderEvent, OrderPlaced } from '../../shared/events/events.ts'
import type { Identity } from '../../shared/identity/identity.ts'
import { COMES_FROM, TicketStatus } from './steps.ts'

export const Ticket = z
  .object({
    ticket_id: z.uuid(),
    order_id: z.uuid(),
    restaurant_id: z.uuid(),
    status: TicketStatus,
    items: z.array(z.object({ food_id: z.uuid(), food_name: z.string(), quantity: z.int() })),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    mail_sent_at: z.iso
      .datetime()
      .nullable()
      .describe('When the mail about READY was taken by the mail server'),
    mail_refused: z.string().nullable().describe('Why that mail will never come'),
  })
  .meta({ id: 'Ticket' })
export type Ticket = z.infer<typeof Ticket>

export const TicketQuery = PageQuery.extend({
  status: TicketStatus.optional().describe('Those that are at this step'),
  restaurant_id: z.uuid().optional().describe('Those of this restaurant'),
})
export type TicketQuery = z.infer<typeof TicketQuery>

/** What has changed, and what has to be told of it. */
export interface Change {
  ticket: Ticket
  /** Of the customer. */
  email: string
  traceparent?: string | undefined
}

export interface TicketsDeps {
  db: Db
  /**
   * Before a ticket leaves PENDING: whether the order may be begun. Its own row decides, so that it cannot be cancelled there
   * while it is cooked here; false when it was.
   */
  begin: (orderId: string) => Promise<boolean>
  /** In the transaction of every step that a kitchen makes. */
  moved: (tx: Tx, change: Change) => Promise<void>
  /** Whose inbox it is. */
  consumer: string
}

export type Tickets = ReturnType<typeof createTickets>

interface Row extends Omit<Ticket, 'created_at' | 'updated_at' | 'mail_sent_at'> {
  created_at: Date
  updated_at: Date
  mail_sent_at: Date | null
}

export const readyMailOf = (orderId: string) => `<order-ready-${orderId}@restman>`

const COLUMNS = `ticket_id, order_id, restaurant_id, status, items, created_at, updated_at,
  mails.sent_at as mail_sent_at, mails.refused as mail_refused`
const TABLES = `tickets left join mails on mails.message_id = '<order-ready-' || tickets.order_id::text || '@restman>'`

/** One ticket for each order, and its steps. */
export function createTickets({ db, begin, moved, consumer }: TicketsDeps) {
  async function place(tx: Tx, orders: OrderPlaced[]): Promise<void> {
    if (orders.length === 0) return
    const rows = orders.map(({ items, ...order }) => ({
      ...order,
      items: JSON.stringify(
        items.map(({ food_id, food_name, quantity }) => ({ food_id, food_name, quantity })),
      ),
    }))
    await tx.query(
      `insert into tickets (order_id, user_id, email, restaurant_id, owner_id, items, status)
       select order_id, user_id, email, restaurant_id, owner_id, items::jsonb, 'PENDING'
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[])
         as o (order_id, user_id, email, restaurant_id, owner_id, items)
       on conflict (order_id) do nothing`,
      columnsOf(rows, 'order_id', 'user_id', 'email', 'restaurant_id', 'owner_id', 'items'),
    )
  }
  /** The order was cancelled where it was placed: nothing is cooked any more, however far the kitchen is. */
  async function cancel(tx: Tx, orderId: string): Promise<void> {
    await tx.query(
      `update tickets set status = 'CANCELLED', updated_at = now()
       where order_id = $1 and status not in ('CANCELLED', 'DELIVERED')`,
      [orderId],
    )
  }
  const one = async (who: Identity, column: 'ticket_id' | 'order_id', id: string) => {
    const [sees, values] = visibleTo(who)
    const [row] = await db.query<Row>(
      `select ${COLUMNS} from ${TABLES} where ${column} = $${values.length + 1} and ${sees}`,
      [...values, id],
    )
    return row && ticketOf(row)
  }

  return {
    /** All of a batch in one transaction; what was taken before has no effect. */
    async take(events: OrderEvent[]): Promise<void> {
      const some = events.filter(({ type, data }) => type === 'order.placed' || data.status === 'cancelled')
      if (some.length === 0) return
      await db.transaction(async (tx) => {
        const news = await newsAmong(tx, consumer, some)
        await place(
          tx,
          news.flatMap(({ type, data }) => (type === 'order.placed' ? data : [])),
        )
        for (const { type, data } of news)
          if (type === 'order.status_updated') await cancel(tx, data.order_id)
      })
    },
    find: (who: Identity, id: string) => one(who, 'ticket_id', id),
    findByOrder: (who: Identity, orderId: string) => one(who, 'order_id', orderId),
    async list(who: Identity, { limit, cursor, status, restaurant_id }: TicketQuery): Promise<Page<Ticket>> {
      const [sees, values] = visibleTo(who)
      const wheres = [sees]
      const add = (condition: (at: string) => string, ...given: unknown[]) => {
        wheres.push(condition(given.map((_, at) => `$${values.length + at + 1}`).join(', ')))
        values.push(...given)
      }
      if (cursor !== undefined) add((at) => `(created_at, ticket_id) > (${at})`, ...readCursor(cursor))
      if (status !== undefined) add((at) => `status = ${at}`, status)
      if (restaurant_id !== undefined) add((at) => `restaurant_id = ${at}`, restaurant_id)
      const rows = await db.query<Row & { cursor: string }>(
        `select ${COLUMNS}, ${cursorColumn('ticket_id')} from ${TABLES}
         where ${wheres.join(' and ')} order by created_at, ticket_id limit ${limit + 1}`,
        values,
      )
      const { rows: shown, next } = pageOf(rows, limit, (last) => last.cursor)
      return { rows: shown.map(({ cursor: _, ...row }) => ticketOf(row)), next }
    },
    /** Compares and sets: of two who make the same step one makes it, and a step that is not the next one is refused. */
    async move(who: Identity, id: string, to: TicketStatus, traceparent?: string): Promise<Ticket> {
      const ticket = await one(who, 'ticket_id', id)
      if (!ticket) throw new LabError('LAB_NOT_FOUND', `Ticket ${id} does not exist`)
      if (ticket.status === to) return ticket
      const refuse = (status: TicketStatus): never => {
        throw new LabError('LAB_CONFLICT', `A ticket that is ${status} cannot become ${to}`)
      }
      if (!COMES_FROM[to].includes(ticket.status)) refuse(ticket.status)
      if (to === 'PREPARING' && !(await begin(ticket.order_id)))
        throw new LabError('LAB_CONFLICT', 'The order of this ticket was cancelled')
      return db.transaction(async (tx) => {
        const [row] = await tx.query<{ email: string; updated_at: Date }>(
          `update tickets set status = $2, updated_at = now() where ticket_id = $1 and status = any($3::text[])
           returning email, updated_at`,
          [id, to, COMES_FROM[to]],
        )
        if (!row) {
          const [known] = await tx.query<Ticket>('select status from tickets where ticket_id = $1', [id])
          return known!.status === to ? { ...ticket, status: to } : refuse(known!.status)
        }
        const moving = { ...ticket, status: to, updated_at: row.updated_at.toISOString() }
        await moved(tx, { ticket: moving, email: row.email, traceparent })
        return moving
      })
    },
  }
}

/** Kitchens see the tickets of their restaurant, owners those of theirs. */
function visibleTo({ role, user_id, restaurant_id }: Identity): [condition: string, values: unknown[]] {
  if (role === 'admin' || role === 'service') return ['true', []]
  if (role === 'kitchen') return ['restaurant_id = $1', [restaurant_id]]
  return ['owner_id = $1', [user_id]]
}

const ticketOf = ({ created_at, updated_at, mail_sent_at, ...row }: Row): Ticket => ({
  ...row,
  created_at: created_at.toISOString(),
  updated_at: updated_at.toISOString(),
  mail_sent_at: mail_sent_at?.toISOString() ?? null,
})
