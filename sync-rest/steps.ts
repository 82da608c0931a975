import type { StepSpec } from '@lab/stack/spec.ts'

/** Every step of this part: each names what has happened, its line what has not happened yet. */
export const steps = {
  'rest.order-stored': {
    services: ['order-service'],
    means: 'the order is stored as placed; inventory has not been asked',
  },
  'rest.reserve-answered': {
    services: ['order-service'],
    means: 'inventory has answered, or not in time; that is not stored',
  },
  'rest.decision-stored': {
    services: ['order-service'],
    means: 'what reserving came to is stored; notification has not been asked',
  },
  'rest.notify-answered': {
    services: ['order-service'],
    means: 'notification has answered; the final status is not stored',
  },
  'rest.notified-stored': {
    services: ['order-service'],
    means: 'the order is stored as notified; the client has no answer',
  },
  'rest.settle-begun': {
    services: ['order-service'],
    means: 'unknown outcomes are found in the store; inventory has not been asked',
  },
  'rest.stock-released': {
    services: ['order-service'],
    means: 'inventory has released the stock; the orders are not stored as failed',
  },
  'rest.reservation-stored': {
    services: ['inventory-service'],
    means: 'the decision is committed; the order service has no answer',
  },
  'rest.release-stored': {
    services: ['inventory-service'],
    means: 'the release is committed; the order service has no answer',
  },
  'rest.notification-stored': {
    services: ['notification-service'],
    means: 'the notification is committed; nobody has an answer',
  },
} as const satisfies Record<string, StepSpec>
