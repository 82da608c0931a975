import { describe, expect, test } from 'vitest'
import { type Facts, type RoadFacts, storyOf, Why } from './story.ts'

const at = (second: number) => `2026-11-28T12:00:0${second}.000Z`
const placed = {
  type: 'order.placed',
  source: 'order-service',
  status: null,
  topic: 'order.events',
  partition: 2,
  offset: '41',
  trace_id: 'a'.repeat(32),
  happened_at: at(1),
  logged_at: at(2),
}
const updated = (status: string) => ({
  ...placed,
  type: 'order.status_updated',
  source: 'kitchen-service',
  status,
})
const there = <Value>(value: Value) => ({ state: 'there', value }) as const
const missing = { state: 'missing' } as const
const away = { state: 'away' } as const

const ready = (mail_refused: string | null = null) =>
  there({ status: 'READY', created_at: at(3), mail_sent_at: null, mail_refused })

/** Everything has come everywhere, as long as nothing else is said. */
function facts(status: string, road: Partial<RoadFacts> = {}, rest: Partial<Facts> = {}): Facts {
  return {
    order: { order_id: 'o', status, created_at: at(0) },
    road: there({
      events: status === 'placed' ? [placed] : [placed, updated(status)],
      ticket: there({
        status: status === 'placed' ? 'PENDING' : status.toUpperCase(),
        created_at: at(3),
        mail_sent_at: at(5),
        mail_refused: null,
      }),
      analytics: there({ status }),
      asked_to_cancel: null,
      ...road,
    }),
    bill: there({ payment_status: 'paid', created_at: at(4) }),
    ...rest,
  }
}

describe('what an order waits for', () => {
  test.each([
    ['is placed', facts('placed'), ['the kitchen, to begin: its ticket is PENDING']],
    ['is cooked', facts('preparing'), ['the kitchen, to say READY']],
    ['is ready', facts('ready'), ['the customer, to get it: the ticket becomes DELIVERED']],
    ['is delivered and paid', facts('delivered'), []],
    ['is cancelled', facts('cancelled', { ticket: missing }, { bill: missing }), []],
    [
      'is in the outbox',
      facts('placed', { events: [] }),
      ['Kafka: order.placed is in the outbox of order-service and not in order.events yet'],
    ],
    [
      'has no ticket, no bill and no row',
      facts('placed', { ticket: missing, analytics: missing }, { bill: missing }),
      [
        'kitchen-service, to take order.placed from order.events: no ticket yet',
        'billing-service, to take order.placed from order.events: no bill yet',
        'analytics-service, to take order.placed from order.events: no row yet',
      ],
    ],
    [
      'has not heard of its ticket',
      facts('placed', { ticket: ready() }),
      [
        'order-service, to hear that the ticket is READY: the order is still placed',
        'the kitchen, to begin: its ticket is PENDING',
      ],
    ],
    [
      'is ready and nobody was told',
      facts('ready', { ticket: ready() }),
      [
        'the customer, to get it: the ticket becomes DELIVERED',
        'the mail server, to take the mail that says it is ready',
      ],
    ],
    [
      'is ready and whose mail was refused',
      facts('ready', { ticket: ready('550 no such mailbox') }),
      [
        'the customer, to get it: the ticket becomes DELIVERED',
        'a mail that never comes: 550 no such mailbox',
      ],
    ],
    [
      'is not paid',
      facts('delivered', {}, { bill: there({ payment_status: 'unpaid', created_at: at(4) }) }),
      ['the customer, to pay the bill'],
    ],
    [
      'has neighbours that are away',
      facts('placed', { ticket: away, analytics: away }, { bill: away }),
      [
        'kitchen-service is away: what it knows is missing here',
        'billing-service is away: what it knows is missing here',
        'the kitchen, to begin: its ticket is PENDING',
        'analytics-service is away: what it knows is missing here',
      ],
    ],
  ])('one that %s', (_, known, expected) => {
    expect(storyOf(known).waiting_for).toEqual(expected)
  })

  test('one whose road is not known', () => {
    expect(storyOf({ ...facts('placed'), road: away }).waiting_for[0]).toContain('scheduler-service is away')
    expect(storyOf({ ...facts('placed'), road: missing }).waiting_for[0]).toContain('outbox of order-service')
  })
})

test('its steps are in the order of their times, each event with its place in the log', () => {
  const why = storyOf(facts('ready'), 'http://127.0.0.1:8025')

  expect(Why.parse(why)).toEqual(why)
  expect(why.steps.map(({ where }) => where)).toEqual([
    'order-service',
    'order.events',
    'order.events',
    'kitchen-service',
    'billing-service',
    'mail',
  ])
  expect(why.steps[1]).toMatchObject({ place: 'order.events, partition 2, offset 41', logged_at: at(2) })
  expect(why.trace_id).toBe('a'.repeat(32))
  expect(why.links).toMatchObject({ bill: '/api/billing/bills/order/o', mails: 'http://127.0.0.1:8025' })
})
