import { CONTENT_TYPE, type OrderEvent } from '@lab/common/domain/events.ts'
import type { Outgoing } from './publisher.ts'
import { ORDERS_EXCHANGE, ROUTING_KEYS } from './topology.ts'

/** What must be known of an event to publish it; the body is its JSON and is not parsed again. */
export interface StoredEvent {
  message_id: string
  type: OrderEvent['type']
  order_id: string
  /** Milliseconds since the epoch. */
  time: number
  body: string
}

/** The event as a message: its identity repeated in AMQP's own properties, where consumers and people look first. */
export function eventMessage({ message_id, type, order_id, time, body }: StoredEvent): Outgoing {
  return {
    exchange: ORDERS_EXCHANGE,
    routingKey: ROUTING_KEYS[type],
    body: Buffer.from(body),
    properties: {
      messageId: message_id,
      type,
      correlationId: order_id,
      contentType: CONTENT_TYPE,
      timestamp: Math.floor(time / 1_000),
    },
  }
}
