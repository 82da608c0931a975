import { describe, expect, test } from 'vitest'
import { eventOfCopy } from './firehose.ts'

/** A copy as RabbitMQ 3.10 writes it. */
const copy = (
  routingKey: string,
  headers: Record<string, unknown>,
  properties: Record<string, unknown> = {},
) =>
  ({
    fields: { routingKey },
    properties: {
      headers: {
        ...headers,
        properties: {
          message_id: 'message',
          correlation_id: 'order',
          type: 'OrderPlaced',
          headers: {},
          ...properties,
        },
      },
    },
    content: Buffer.from('{"traceparent":"00-e12cdf94fdb14f65a50bee8f96d18a39-9045f792d2fb2ec4-01"}'),
  }) as unknown as Parameters<typeof eventOfCopy>[0]

describe('a copy from the firehose', () => {
  test('of a published order is in the queue that took it, with its id and its trace', () => {
    const published = {
      exchange_name: 'orders_exchange',
      routing_keys: ['order.placed'],
      routed_queues: ['inventory_queue'],
    }

    expect(eventOfCopy(copy('publish.orders_exchange', published), 1)).toMatchObject({
      order: 'order',
      stop: 1,
      mark: '',
      messageId: 'message',
      traceparent: '00-e12cdf94fdb14f65a50bee8f96d18a39-9045f792d2fb2ec4-01',
    })
  })

  test('of a message that no queue took moves nothing, and says so', () => {
    const lost = { exchange_name: 'orders_exchange', routing_keys: ['order.placed'], routed_queues: [] }

    const event = eventOfCopy(copy('publish.orders_exchange', lost), 1)

    expect(event?.stop).toBeUndefined()
    expect(event?.what).toContain('into no queue')
  })

  test.each([
    ['inventory_queue', 2],
    ['notification_queue', 4],
    ['order_status_queue', undefined],
  ])('of a delivery from %s is at its consumer', (queue, stop) => {
    expect(eventOfCopy(copy(`deliver.${queue}`, { redelivered: 0 }), 1)?.stop).toBe(stop)
  })

  test('of a redelivery is marked', () => {
    expect(eventOfCopy(copy('deliver.inventory_queue', { redelivered: 1 }), 1)?.mark).toBe('again')
  })

  test('of a retry waits before the service it came from, with its attempts and the reason', () => {
    const retry = {
      exchange_name: 'retry_5s',
      routing_keys: ['notification_queue'],
      routed_queues: ['retry_queue_5s'],
    }
    const headers = { 'x-attempts': 2, 'x-reason': 'LAB_FAULT_INJECTED' }

    expect(eventOfCopy(copy('publish.retry_5s', retry, { headers }), 1)).toMatchObject({
      stop: 3,
      mark: 'retry',
      attempts: 2,
      detail: 'LAB_FAULT_INJECTED',
    })
  })

  test('of a dead letter without an order is known by its message', () => {
    const dead = { routing_keys: ['order.placed'], routed_queues: ['dlq_queue'] }

    expect(
      eventOfCopy(copy('publish.dead_letter_exchange', dead, { correlation_id: undefined }), 1),
    ).toMatchObject({ order: 'message', mark: 'dead' })
  })
})
