import { channel } from 'node:diagnostics_channel'

/**
 * Where a crash between two lines matters: each step names what has happened, its line what has not happened yet. Services
 * publish the steps they reach on this channel and nobody listens in normal running; the lab's crash hook does.
 */
export const STEP_CHANNEL = 'lab:step'

export interface StepPlace {
  part: 'sync-rest' | 'async-rabbitmq' | 'streaming-kafka'
  /** The services that pass it. */
  roles: readonly ('order' | 'inventory' | 'notification' | 'analytics')[]
  means: string
}

const at = (part: StepPlace['part'], roles: StepPlace['roles'], means: string): StepPlace => ({
  part,
  roles,
  means,
})
const rest = (role: 'order' | 'inventory' | 'notification', means: string) => at('sync-rest', [role], means)
const rabbit = (roles: StepPlace['roles'], means: string) => at('async-rabbitmq', roles, means)
const kafka = (role: 'order' | 'inventory' | 'analytics', means: string) =>
  at('streaming-kafka', [role], means)

const relaying = ['order', 'inventory'] as const
const consuming = ['order', 'inventory', 'notification'] as const

/** Every step there is. */
export const steps = {
  'rest.order-stored': rest('order', 'the order is stored as placed; inventory has not been asked'),
  'rest.reserve-answered': rest('order', 'inventory has answered, or not in time; that is not stored'),
  'rest.decision-stored': rest('order', 'what reserving came to is stored; notification has not been asked'),
  'rest.notify-answered': rest('order', 'notification has answered; the final status is not stored'),
  'rest.notified-stored': rest('order', 'the order is stored as notified; the client has no answer'),
  'rest.settle-begun': rest('order', 'unknown outcomes are found in the store; inventory has not been asked'),
  'rest.stock-released': rest(
    'order',
    'inventory has released the stock; the orders are not stored as failed',
  ),
  'rest.reservation-stored': rest('inventory', 'the decision is committed; the order service has no answer'),
  'rest.release-stored': rest('inventory', 'the release is committed; the order service has no answer'),
  'rest.notification-stored': rest('notification', 'the notification is committed; nobody has an answer'),

  'rabbit.order-stored': rabbit(['order'], 'order and outbox are committed; no 202, nothing published'),
  'rabbit.event-sent': rabbit(relaying, 'an event of the outbox is on its way to the broker, unconfirmed'),
  'rabbit.event-confirmed': rabbit(relaying, 'the broker has the event; it is still in the outbox'),
  'rabbit.decisions-drafted': rabbit(['inventory'], 'inbox, stock and outbox are written, not committed'),
  'rabbit.batch-committed': rabbit(
    consuming,
    'the effects of a batch are committed; nothing is acknowledged',
  ),
  'rabbit.retry-confirmed': rabbit(
    consuming,
    'a copy waits in the retry ladder; the original is unacknowledged',
  ),
  'rabbit.dead-letter-confirmed': rabbit(consuming, 'a copy is in dlq_queue; the original is unacknowledged'),

  'kafka.order-drafted': kafka('order', 'the event is made; nothing has been produced'),
  'kafka.order-appended': kafka(
    'order',
    'the log has the order; no 202, and the order list does not show it',
  ),
  'kafka.owner-fenced': kafka('inventory', 'former owners are fenced; the log has not been read'),
  'kafka.decisions-drafted': kafka('inventory', 'a run is decided in memory; no transaction has begun'),
  'kafka.records-sent': kafka('inventory', 'the transaction has the decisions; not the offsets, no commit'),
  'kafka.offsets-sent': kafka('inventory', 'the transaction has decisions and offsets; no commit'),
  'kafka.transaction-committed': kafka(
    'inventory',
    'the log has the decisions; the stock in memory has not moved',
  ),
  'kafka.run-applied': kafka('inventory', 'the stock in memory has moved; the next run is not begun'),
  'kafka.events-counted': kafka('analytics', 'what was read is counted; its offsets are not committed'),
  'kafka.dead-letter-appended': kafka('analytics', 'the dead letter is in the log; its record is not passed'),
} as const satisfies Record<string, StepPlace>

export type Step = keyof typeof steps

const reached = channel(STEP_CHANNEL)

/** Tells whoever listens, before it returns. One comparison when nobody does. */
export function reachStep(name: Step): void {
  if (reached.hasSubscribers) reached.publish({ name })
}

/** The same for something written to a client library, once it has had the two turns in which the bytes leave. */
export function reachStepOnceSent(name: Step): void {
  if (reached.hasSubscribers) setImmediate(() => setImmediate(reachStep, name))
}
