import { z } from 'zod'
import type { Db } from '../../shared/db/db.ts'
import type { Identity } from '../../shared/identity/identity.ts'
import type { Neighbour } from '../../shared/neighbour/neighbour.ts'

const Known = <Value extends z.ZodType>(value: Value) =>
  z.discriminatedUnion('state', [
    z.object({ state: z.literal('there'), value }),
    z.object({ state: z.literal('missing') }),
    z.object({ state: z.literal('away') }),
  ])
const Ticket = z.object({
  status: z.string(),
  created_at: z.string(),
  mail_sent_at: z.string().nullable(),
  mail_refused: z.string().nullable(),
})
const Row = z.object({ status: z.string() })

export const Road = z
  .object({
    order_id: z.string(),
    events: z.array(
      z.object({
        event_id: z.string(),
        type: z.string(),
        source: z.string(),
        status: z.string().nullable(),
        topic: z.string(),
        partition: z.number(),
        offset: z.string(),
        trace_id: z.string().nullable(),
        happened_at: z.string().describe('When its service wrote it'),
        logged_at: z.string().describe('When the broker had it'),
        seen_at: z.string().describe('When it came here'),
      }),
    ),
    ticket: Known(Ticket),
    analytics: Known(Row),
    asked_to_cancel: z.object({ at: z.string(), why: z.string() }).nullable(),
  })
  .meta({ id: 'Road' })
export type Road = z.infer<typeof Road>

export interface RoadDeps {
  db: Db
  kitchen: Neighbour
  analytics: Neighbour
}

interface EventRow {
  event_id: string
  type: string
  source: string
  status: string | null
  topic: string
  log_partition: number
  log_offset: string
  traceparent: string | null
  happened_at: Date
  logged_at: Date
  seen_at: Date
}

interface OrderRow {
  user_id: string
  owner_id: string
  restaurant_id: string
  asked_at: Date | null
  asked_why: string | null
}

/** What is known of the way of an order; nothing to whom it does not concern. */
export function createRoads({ db, kitchen, analytics }: RoadDeps) {
  return {
    async find(orderId: string, who: Identity): Promise<Road | undefined> {
      const [order] = await db.query<OrderRow>(
        'select user_id, owner_id, restaurant_id, asked_at, asked_why from orders where order_id = $1',
        [orderId],
      )
      if (!order || !concerns(order, who)) return undefined
      const [events, ticket, row] = await Promise.all([
        db.query<EventRow>('select * from road where order_id = $1 order by logged_at, log_offset', [
          orderId,
        ]),
        ask(kitchen, `/api/kitchen/tickets/order/${orderId}`, Ticket),
        ask(analytics, `/api/analytics/orders/${orderId}`, Row),
      ])
      return {
        order_id: orderId,
        events: events.map(eventOf),
        ticket,
        analytics: row,
        asked_to_cancel: order.asked_at && { at: order.asked_at.toISOString(), why: order.asked_why ?? '' },
      }
    },
  }
}

function concerns(order: OrderRow, { role, user_id, restaurant_id }: Identity): boolean {
  if (role === 'admin' || order.user_id === user_id || order.owner_id === user_id) return true
  return role === 'kitchen' && order.restaurant_id === restaurant_id
}

async function ask<Value extends z.ZodType>(neighbour: Neighbour, path: string, schema: Value) {
  try {
    const { status, body } = await neighbour.call('GET', path)
    if (status === 404) return { state: 'missing' as const }
    return { state: 'there' as const, value: schema.parse(body) }
  } catch {
    return { state: 'away' as const }
  }
}

const eventOf = ({ log_partition, log_offset, traceparent, ...row }: EventRow) => ({
  event_id: row.event_id,
  type: row.type,
  source: row.source,
  status: row.status,
  topic: row.topic,
  partition: Number(log_partition),
  offset: String(log_offset),
  trace_id: traceparent?.split('-')[1] ?? null,
  happened_at: row.happened_at.toISOString(),
  logged_at: row.logged_at.toISOString(),
  seen_at: row.seen_at.toISOString(),
})
