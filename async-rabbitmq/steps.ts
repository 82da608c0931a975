import type { StepSpec } from '@lab/stack/spec.ts'

/** Every step of this part: each names what has happened, its line what has not happened yet. */
export const steps = {
  'rabbit.order-stored': {
    services: ['order-service'],
    means: 'order and outbox are committed; no 202, nothing published',
  },
  'rabbit.event-sent': {
    services: ['order-service', 'inventory-service'],
    means: 'an event of the outbox is on its way to the broker, unconfirmed',
  },
  'rabbit.event-confirmed': {
    services: ['order-service', 'inventory-service'],
    means: 'the broker has the event; it is still in the outbox',
  },
  'rabbit.decisions-drafted': {
    services: ['inventory-service'],
    means: 'inbox, stock and outbox are written, not committed',
  },
  'rabbit.batch-committed': {
    services: ['order-service', 'inventory-service', 'notification-service'],
    means: 'the effects of a batch are committed; nothing is acknowledged',
  },
  'rabbit.retry-confirmed': {
    services: ['order-service', 'inventory-service', 'notification-service'],
    means: 'a copy waits in the retry ladder; the original is unacknowledged',
  },
  'rabbit.dead-letter-confirmed': {
    services: ['order-service', 'inventory-service', 'notification-service'],
    means: 'a copy is in dlq_queue; the original is unacknowledged',
  },
} as const satisfies Record<string, StepSpec>
