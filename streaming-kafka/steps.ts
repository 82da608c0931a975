import type { StepSpec } from '@lab/stack/spec.ts'

/** Every step of this part: each names what has happened, its line what has not happened yet. */
export const steps = {
  'kafka.order-drafted': {
    services: ['producer-order'],
    means: 'the event is made; nothing has been produced',
  },
  'kafka.order-appended': {
    services: ['producer-order'],
    means: 'the log has the order; no 202, and the order list does not show it',
  },
  'kafka.owner-fenced': {
    services: ['inventory-consumer'],
    means: 'former owners are fenced; the log has not been read',
  },
  'kafka.decisions-drafted': {
    services: ['inventory-consumer'],
    means: 'a run is decided in memory; no transaction has begun',
  },
  'kafka.records-sent': {
    services: ['inventory-consumer'],
    means: 'the transaction has the decisions; not the offsets, no commit',
  },
  'kafka.offsets-sent': {
    services: ['inventory-consumer'],
    means: 'the transaction has decisions and offsets; no commit',
  },
  'kafka.transaction-committed': {
    services: ['inventory-consumer'],
    means: 'the log has the decisions; the stock in memory has not moved',
  },
  'kafka.run-applied': {
    services: ['inventory-consumer'],
    means: 'the stock in memory has moved; the next run is not begun',
  },
  'kafka.events-counted': {
    services: ['analytics-consumer'],
    means: 'what was read is counted; its offsets are not committed',
  },
  'kafka.dead-letter-appended': {
    services: ['analytics-consumer'],
    means: 'the dead letter is in the log; its record is not passed',
  },
} as const satisfies Record<string, StepSpec>
