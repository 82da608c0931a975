import { z } from 'zod'

/** What a service answered about the order: something, that it knows nothing of it, or nothing at all. */
export type Asked<Value> = { state: 'there'; value: Value } | { state: 'missing' } | { state: 'away' }

const time = z.string().nullable()
export const Step = z
  .object({
    where: z.string().describe('A service, or the topic between two'),
    what: z.string(),
    at: time.describe('When it happened'),
    logged_at: time.describe('When the broker had it, of an event'),
    place: z.string().nullable().describe('Topic, partition and offset, of an event'),
  })
  .meta({ id: 'WhyStep' })
export type Step = z.infer<typeof Step>

export const Why = z
  .object({
    order_id: z.string(),
    status: z.string(),
    waiting_for: z
      .array(z.string())
      .describe('What has yet to happen, the next first; empty when all is done'),
    steps: z.array(Step).describe('What has happened, the oldest first'),
    trace_id: z.string().nullable().describe('In the logs of every service that had to do with it'),
    links: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Why' })
export type Why = z.infer<typeof Why>

export interface OrderFacts {
  order_id: string
  status: string
  created_at: string
}

export interface RoadFacts {
  events: {
    type: string
    source: string
    status: string | null
    topic: string
    partition: number
    offset: string
    trace_id: string | null
    happened_at: string
    logged_at: string
  }[]
  ticket: Asked<{
    status: string
    created_at: string
    mail_sent_at: string | null
    mail_refused: string | null
  }>
  analytics: Asked<{ status: string }>
  asked_to_cancel: { at: string; why: string } | null
}

export interface BillFacts {
  payment_status: string
  created_at: string
}

export interface Facts {
  order: OrderFacts
  road: Asked<RoadFacts>
  bill: Asked<BillFacts>
}

const NEXT: Record<string, string> = {
  placed: 'the kitchen, to begin: its ticket is PENDING',
  preparing: 'the kitchen, to say READY',
  ready: 'the customer, to get it: the ticket becomes DELIVERED',
}
const AFTER_READY = ['ready', 'delivered']

/** The road of one order and where on it it stands, from what the services know. */
export function storyOf({ order, road, bill }: Facts, mailPage?: string): Why {
  const facts = road.state === 'there' ? road.value : undefined
  const events = facts?.events ?? []
  const ticket = facts?.ticket ?? { state: 'away' as const }
  return {
    order_id: order.order_id,
    status: order.status,
    waiting_for: waitingFor({ order, road, bill }),
    steps: stepsOf(order, events, ticket, bill),
    trace_id: events.find(({ trace_id }) => trace_id !== null)?.trace_id ?? null,
    links: {
      order: `/api/orders/${order.order_id}`,
      ...(bill.state === 'there' && { bill: `/api/billing/bills/order/${order.order_id}` }),
      ...(mailPage !== undefined && { mails: mailPage }),
      events: '/docs',
    },
  }
}

function waitingFor({ order, road, bill }: Facts): string[] {
  const away = (service: string) => `${service} is away: what it knows is missing here`
  const facts = road.state === 'there' ? road.value : undefined
  if (!facts) {
    if (road.state === 'away') return [away('scheduler-service'), ...next(order.status)]
    return ['Kafka: order.placed is in the outbox of order-service, or has not come to scheduler-service yet']
  }
  const { events, ticket, analytics } = facts
  if (!events.some(({ type }) => type === 'order.placed'))
    return ['Kafka: order.placed is in the outbox of order-service and not in order.events yet']
  const isOver = order.status === 'cancelled'
  const told = events.findLast(({ status }) => status !== null)?.status ?? 'placed'
  return [
    ticket.state === 'away' && away('kitchen-service'),
    ticket.state === 'missing' &&
      !isOver &&
      'kitchen-service, to take order.placed from order.events: no ticket yet',
    bill.state === 'away' && away('billing-service'),
    bill.state === 'missing' &&
      !isOver &&
      'billing-service, to take order.placed from order.events: no bill yet',
    ticket.state === 'there' &&
      asOrder(ticket.value.status) !== order.status &&
      !isOver &&
      `order-service, to hear that the ticket is ${ticket.value.status}: the order is still ${order.status}`,
    ...(ticket.state === 'missing' ? [] : next(order.status)),
    ticket.state === 'there' &&
      AFTER_READY.includes(order.status) &&
      ticket.value.mail_sent_at === null &&
      (ticket.value.mail_refused === null
        ? 'the mail server, to take the mail that says it is ready'
        : `a mail that never comes: ${ticket.value.mail_refused}`),
    bill.state === 'there' &&
      bill.value.payment_status === 'unpaid' &&
      !isOver &&
      'the customer, to pay the bill',
    analytics.state === 'away' && away('analytics-service'),
    analytics.state === 'missing' && 'analytics-service, to take order.placed from order.events: no row yet',
    analytics.state === 'there' &&
      analytics.value.status !== told &&
      `analytics-service, to hear that it is ${told}: its row says ${analytics.value.status}`,
  ].filter((line) => line !== false)
}

/** What an order is called whose ticket is called so. */
const asOrder = (ticket: string) => (ticket === 'PENDING' ? 'placed' : ticket.toLowerCase())
const next = (status: string): string[] => (NEXT[status] === undefined ? [] : [NEXT[status]])

function stepsOf(
  order: OrderFacts,
  events: RoadFacts['events'],
  ticket: RoadFacts['ticket'],
  bill: Facts['bill'],
): Step[] {
  const inService = (where: string, what: string, at: string): Step => ({
    where,
    what,
    at,
    logged_at: null,
    place: null,
  })
  const steps: Step[] = [
    inService('order-service', 'stored, with its event in the outbox', order.created_at),
    ...events.map(({ type, source, status, topic, partition, offset, happened_at, logged_at }) => ({
      where: topic,
      what: `${type}${status === null ? '' : ` (${status})`} from ${source}`,
      at: happened_at,
      logged_at,
      place: `${topic}, partition ${partition}, offset ${offset}`,
    })),
    ...(ticket.state === 'there'
      ? [
          inService('kitchen-service', 'ticket made', ticket.value.created_at),
          ...(ticket.value.mail_sent_at === null
            ? []
            : [inService('mail', 'the mail that it is ready was sent', ticket.value.mail_sent_at)]),
        ]
      : []),
    ...(bill.state === 'there' ? [inService('billing-service', 'bill made', bill.value.created_at)] : []),
  ]
  return steps.sort((a, b) => Date.parse(a.at ?? '') - Date.parse(b.at ?? ''))
}
