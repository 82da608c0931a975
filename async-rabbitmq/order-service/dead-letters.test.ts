import { inventoryDecided } from '@lab/common/domain/events.ts'
import { createOrderStore, ORDERS_SCHEMA } from '@lab/common/order-store.ts'
import { anOrder, anOrderPlaced } from '@lab/common/testing/builders.ts'
import { openStore } from '@lab/kit/store.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readDeadLetter } from '../broker/read-dead-letter.ts'
import { createDeadLetters, DEAD_LETTERS_SCHEMA } from './dead-letters.ts'

const NOW = 1_900_000_000_000
const AT = '2026-01-01T00:00:00.000Z'

function setup() {
  const store = openStore('orders', undefined, ORDERS_SCHEMA + DEAD_LETTERS_SCHEMA)
  onTestFinished(() => store.close())
  const orders = createOrderStore(store)
  const order = anOrder()
  orders.insert(order)
  const letters = createDeadLetters(store, orders)
  /** As a message of the queue that tells of dead letters. */
  const arrive = (body: unknown, headers: Record<string, unknown>, correlationId?: string) => {
    const content = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const messageId = (body as { id?: string } | null)?.id
    const message = { content, properties: { headers, correlationId, messageId } } as unknown as Parameters<
      typeof readDeadLetter
    >[0]
    const notice = readDeadLetter(message, NOW)
    if (notice) letters.note(notice)
    return notice
  }
  const died = (queue: string) => ({ 'x-origin-queue': queue, 'x-reason': 'away', 'x-dead-lettered-at': AT })
  const reserved = inventoryDecided(
    { ...order, status: 'placed' },
    { status: 'reserved' },
    { source: 't', now: 0 },
  )
  const decide = () => {
    orders.advance(order.order_id, 'reserved')
    letters.decided(order.order_id)
  }
  return { order, letters, arrive, died, decide, placed: anOrderPlaced(order), reserved }
}

describe('a dead letter', () => {
  test('on the way to a decision is told of until there is one', () => {
    const { order, letters, arrive, died, decide, placed } = setup()
    arrive(placed, died('inventory_queue'))
    arrive(placed, died('inventory_queue'))

    expect(letters.of(order.order_id)).toEqual({
      since: Date.parse(AT) / 1_000,
      queue: 'inventory_queue',
      reason: 'away',
    })
    expect(letters.count()).toBe(1)
    decide()
    expect(letters.of(order.order_id)).toBeUndefined()
  })

  test('that comes after the decision holds up nobody', () => {
    const { order, letters, arrive, died, decide, placed } = setup()
    decide()
    arrive(placed, died('order_status_queue'))
    expect(letters.of(order.order_id)).toBeUndefined()
  })

  test('of a notification is told of until it was published again and handled', () => {
    const { order, letters, arrive, died, decide, reserved } = setup()
    decide()
    arrive(reserved, died('notification_queue'))
    expect(letters.of(order.order_id)).toMatchObject({ queue: 'notification_queue' })

    arrive(reserved, { 'x-handled-in': 'notification_queue', 'x-handled-as': 'ack' })
    expect(letters.of(order.order_id)).toBeUndefined()
    arrive(reserved, { 'x-handled-in': 'notification_queue', 'x-handled-as': 'duplicate' })
    const { last, handled } = letters.handled(0)
    expect(handled).toMatchObject([
      { seq: 1, message_id: reserved.id, queue: 'notification_queue', outcome: 'ack' },
      { seq: 2, message_id: reserved.id, queue: 'notification_queue', outcome: 'duplicate' },
    ])
    expect(letters.handled(last)).toEqual({ last: 2, handled: [] })
  })

  test('that its queue gave up itself says when, and by what', () => {
    const { order, letters, arrive, placed } = setup()
    const death = {
      queue: 'inventory_queue',
      reason: 'delivery_limit',
      time: { '!': 'timestamp', value: 1_700_000_000 },
    }
    arrive(placed, { 'x-death': [death] })

    expect(letters.of(order.order_id)).toEqual({
      since: 1_700_000_000,
      queue: 'inventory_queue',
      reason: 'given up by its queue: delivery_limit',
    })
  })

  test('that is malformed is told of when it names an order that waits', () => {
    const { order, letters, arrive, died } = setup()
    arrive('not json', died('inventory_queue'), order.order_id.toUpperCase())
    expect(letters.of(order.order_id)).toMatchObject({ queue: 'inventory_queue' })
  })

  test.each([
    ['of no order', 'not json', undefined],
    ['of an order nobody placed', anOrderPlaced(), undefined],
    ['of nonsense', '{"subject":7}', 'x'.repeat(300)],
    ['of nothing', 'null', undefined],
  ])('%s is passed over', (_what, body, correlationId) => {
    const { letters, arrive, died } = setup()
    arrive(body, died('inventory_queue'), correlationId)
    arrive(body, { 'x-death': 'none' }, correlationId)
    expect(letters.count()).toBe(0)
  })
})
