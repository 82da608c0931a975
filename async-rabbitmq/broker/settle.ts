import { deadLetter, type Outcome } from '@lab/kit/outcome.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { Channel, ConsumeMessage } from 'amqplib'
import { carried, fits } from './carry.ts'
import { ORIGIN_DELIVERY, type Outgoing, type Publisher } from './publisher.ts'
import { type RetryLadder, stepAfter } from './retry-ladder.ts'
import { DEAD_LETTER_EXCHANGE, ORDER_DEAD_LETTER_QUEUE } from './topology.ts'

/** What a copy says about the message it replaces; the names are what a person reads in `dlq_queue`. */
export const REASON = 'x-reason'
export const ORIGIN_QUEUE = 'x-origin-queue'
const ORIGINAL_ROUTING_KEY = 'x-original-routing-key'
export const ATTEMPTS = 'x-attempts'
/** When it became a dead letter. Whoever publishes it again should leave it on. */
export const DEAD_SINCE = 'x-dead-lettered-at'
/** On a dead letter that was published again and waits in the ladder: it is none now, and starts with its first attempt. */
const WAS_DEAD = 'x-was-dead-lettered'
/** On a notice that a dead letter was published again, and handled by the consumer of this queue. */
export const HANDLED_IN = 'x-handled-in'
/** Beside it: `ack` when that had an effect, `duplicate` when it was recognised as a repeat. */
export const HANDLED_AS = 'x-handled-as'

const MAX_REASON = 500
/** More than any ladder gives. */
const MAX_ATTEMPTS = 100_000_000

export interface SettleContext {
  channel: Pick<Channel, 'ack' | 'reject'>
  publisher: Publisher
  queue: string
  ladder: RetryLadder
}

/**
 * Settles every delivery of a batch exactly once, and answers the outcomes as they turned out: a retry beyond the last
 * step of the ladder is a dead letter. Nothing older than the batch is unacknowledged on the channel.
 *
 * - ack          acknowledged; a batch that is all of these in one frame. A former dead letter is first told of
 * - retry        a copy waits in the next step of the ladder, confirmed; then acknowledged
 * - dead-letter  a copy with its reason is in `dlq_queue`, confirmed; then acknowledged
 *
 * A crash between confirm and acknowledgement leaves copy and original: consumers deduplicate, so that is a no-op. A
 * copy the broker did not take leaves the original: a failed retry is requeued and counts toward the delivery limit, a
 * failed dead letter is rejected and the queue's own dead-lettering, which waits for its target, carries it over.
 */
export async function settle(
  context: SettleContext,
  deliveries: readonly ConsumeMessage[],
  outcomes: readonly Outcome[],
): Promise<Outcome[]> {
  const last = deliveries.at(-1)
  const isPlain = deliveries.every((delivery) => !wasDead(delivery, context.queue))
  if (last && isPlain && outcomes.every(({ kind }) => kind === 'ack')) {
    whileOpen(() => context.channel.ack(last, true))
    return [...outcomes]
  }
  return Promise.all(deliveries.map((delivery, i) => settleOne(context, delivery, outcomes[i] as Outcome)))
}

async function settleOne(
  { channel, publisher, queue, ladder }: SettleContext,
  delivery: ConsumeMessage,
  outcome: Outcome,
): Promise<Outcome> {
  if (outcome.kind === 'ack') {
    const notice = wasDead(delivery, queue)
      ? await publisher.publish(noticeOf(delivery, { queue, outcome }))
      : undefined
    whileOpen(() => {
      // Delivered again it is a duplicate, and told of again.
      if (notice === 'unconfirmed') channel.reject(delivery, true)
      else channel.ack(delivery)
    })
    return outcome
  }
  const attempts = attemptsOf(delivery) + 1
  const step = outcome.kind === 'retry' ? stepAfter(attempts, ladder) : undefined
  const final =
    outcome.kind === 'retry' && !step
      ? deadLetter(`gave up after ${attempts} attempts: ${outcome.reason}`)
      : outcome

  const died = step ? {} : { [DEAD_SINCE]: new Date().toISOString() }
  const rose = step && wasDead(delivery, queue) ? { [WAS_DEAD]: true } : {}
  const copy = copyOf(delivery, queue, { reason: reasonOf(final), attempts, more: { ...died, ...rose } })
  const sent = await publisher.publish(
    step
      ? { ...copy, exchange: step.exchange, routingKey: queue }
      : { ...copy, exchange: DEAD_LETTER_EXCHANGE, routingKey: originalRoutingKey(delivery) },
  )
  if (sent === 'confirmed') reachStep(step ? 'rabbit.retry-confirmed' : 'rabbit.dead-letter-confirmed')
  whileOpen(() => {
    if (sent === 'confirmed') channel.ack(delivery)
    // reject, not nack: from RabbitMQ 4.3 on only reject counts toward the delivery limit.
    else channel.reject(delivery, step !== undefined)
  })
  return final
}

/** A channel that has closed throws. Its deliveries are the broker's again, and come back: there is nothing to settle. */
function whileOpen(settlement: () => void): void {
  try {
    settlement()
  } catch {
    // See above: redelivered, and a no-op for whoever has handled it.
  }
}

/** Body and properties as they were, without what the broker wrote into the headers or would route on. */
function copyOf(
  { content, properties, fields }: ConsumeMessage,
  queue: string,
  { reason, attempts, more }: { reason: string; attempts: number; more: Record<string, unknown> },
): Pick<Outgoing, 'body' | 'properties'> {
  const { headers, ...known } = properties
  const kept = Object.entries(headers ?? {}).filter(([name]) => !BROKER_HEADERS.test(name))
  const given = Object.entries(known).filter(
    ([name, value]) => value !== undefined && !BROKER_PROPERTIES.has(name) && fits(value),
  )
  return {
    body: content,
    properties: {
      ...Object.fromEntries(given),
      headers: {
        ...carried(Object.fromEntries(kept)),
        [REASON]: reason.slice(0, MAX_REASON),
        [ATTEMPTS]: attempts,
        [ORIGIN_QUEUE]: queue,
        [ORIGINAL_ROUTING_KEY]: originalRoutingKey({ properties, fields }),
        [ORIGIN_DELIVERY]: `${queue}/${fields.deliveryTag}`,
        ...more,
      },
    },
  }
}

// An expiration would drop the copy, a user id of another user refuse it; CC and BCC would route it elsewhere as well.
const BROKER_PROPERTIES = new Set(['expiration', 'userId', 'clusterId', 'deliveryMode'])
const BROKER_HEADERS =
  /^(x-death|x-first-death-.*|x-last-death-.*|x-delivery-count|x-acquired-count|x-dead-lettered-at|x-was-dead-lettered|CC|BCC)$/

/** Whether it was a dead letter of this queue: by a copy of ours, or by the queue itself. */
function wasDead({ properties }: Pick<ConsumeMessage, 'properties'>, queue: string): boolean {
  const { [DEAD_SINCE]: since, [WAS_DEAD]: was, 'x-death': deaths } = properties.headers ?? {}
  if (since !== undefined || was !== undefined) return true
  return Array.isArray(deaths) && deaths.some((death) => death?.queue === queue)
}

/** To the order service, which has the dead letter itself from the same queue, before this. */
function noticeOf(
  { content, properties, fields }: ConsumeMessage,
  { queue, outcome }: { queue: string; outcome: Outcome & { kind: 'ack' } },
): Outgoing {
  const { messageId, correlationId } = properties
  return {
    exchange: '',
    routingKey: ORDER_DEAD_LETTER_QUEUE,
    body: content,
    properties: {
      ...(fits(messageId) && { messageId }),
      ...(fits(correlationId) && { correlationId }),
      headers: {
        [HANDLED_IN]: queue,
        [HANDLED_AS]: outcome.duplicate ? 'duplicate' : 'ack',
        [ORIGIN_DELIVERY]: `${queue}/${fields.deliveryTag}`,
      },
    },
  }
}

const reasonOf = (outcome: Outcome) => (outcome.kind === 'ack' ? '' : outcome.reason)

/** Anyone can write the headers of a message: what a copy of ours would not say is not believed. */
function originalRoutingKey({ properties, fields }: Pick<ConsumeMessage, 'properties' | 'fields'>): string {
  const key: unknown = properties.headers?.[ORIGINAL_ROUTING_KEY]
  return typeof key === 'string' && fits(key) ? key : fields.routingKey
}

/** Failed attempts so far. A dead letter that was published again has all of them before it. */
function attemptsOf({ properties }: ConsumeMessage): number {
  if (properties.headers?.[DEAD_SINCE] !== undefined) return 0
  const attempts: unknown = properties.headers?.[ATTEMPTS]
  return Number.isInteger(attempts) && Number(attempts) > 0 && Number(attempts) < MAX_ATTEMPTS
    ? Number(attempts)
    : 0
}
