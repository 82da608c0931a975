import { OrderPlaced } from '@lab/common/domain/events.ts'
import { newOrderId } from '@lab/common/ids.ts'
import { anOrderPlaced } from '@lab/common/testing/builders.ts'
import type { MessageProperties } from 'amqplib'
import { describe, expect, test } from 'vitest'
import { MAX_EVENT_BYTES, readEvent } from './read-event.ts'

const event = anOrderPlaced()

const read = (body: unknown, properties: Partial<MessageProperties> = { messageId: event.id }) =>
  readEvent(OrderPlaced, {
    content: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    properties: properties as MessageProperties,
  })

describe('a message', () => {
  test('is read when its body is our event and its properties agree', () => {
    expect(read(event, { messageId: event.id, type: 'OrderPlaced' })).toEqual({ event })
  })

  test.each<[string, unknown, Partial<MessageProperties> | undefined, string]>([
    ['is not JSON', 'not json', undefined, 'not JSON'],
    ['is empty', '', undefined, 'not JSON'],
    ['is JSON, but no object', '[]', undefined, 'expected object'],
    [
      'has a field that is wrong',
      { ...event, data: { ...event.data, quantity: 0 } },
      undefined,
      'data.quantity',
    ],
    ['is another type of event', { ...event, type: 'OrderCancelled' }, undefined, 'type'],
    ['is about two orders', { ...event, subject: newOrderId() }, undefined, 'data.order_id'],
    ['has no message id', event, {}, 'no message id'],
    ['has another message id', event, { messageId: 'another' }, "'another'"],
    ['has another type', event, { messageId: event.id, type: 'InventoryFailed' }, "'InventoryFailed'"],
    ['is too large', { ...event, padding: 'x'.repeat(MAX_EVENT_BYTES) }, undefined, 'bytes'],
  ])('is malformed, and says why, when it %s', (_why, body, properties, named) => {
    const { malformed } = read(body, properties)

    expect(malformed).toMatch(/^malformed: /)
    expect(malformed).toContain(named)
  })
})
