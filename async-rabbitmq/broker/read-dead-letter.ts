import { InventoryEvent, OrderPlaced } from '@lab/common/domain/events.ts'
import { OrderId } from '@lab/common/domain/order.ts'
import type { ConsumeMessage } from 'amqplib'
import { DEAD_SINCE, HANDLED_AS, HANDLED_IN, ORIGIN_QUEUE, REASON } from './settle.ts'

/** That a message about an order became a dead letter of a queue, or that it was published again and handled there. */
export type DeadLetterNotice = { order_id: string; queue: string } & (
  | {
      kind: 'handled'
      message_id: string
      /** Whether it had an effect, or was recognised as a repeat. */
      outcome: 'ack' | 'duplicate'
    }
  | {
      kind: 'dead'
      /** Seconds since the epoch. */
      since: number
      reason: string
      /** Whether it is an event as the services make them. */
      isEvent: boolean
    }
)

/**
 * What a message of `order_dead_letter_queue` says; undefined when it is about no order. Anyone can publish to the dead-letter
 * exchange, so nothing here throws. `now` in milliseconds is when it died, for one that does not say.
 */
export function readDeadLetter(message: ConsumeMessage, now: number): DeadLetterNotice | undefined {
  const headers = (message.properties.headers ?? {}) as Record<string, unknown>
  const { order_id, isEvent } = aboutOf(message)
  if (order_id === undefined) return undefined
  const handledIn = headers[HANDLED_IN]
  if (typeof handledIn === 'string') {
    const outcome = headers[HANDLED_AS] === 'duplicate' ? 'duplicate' : 'ack'
    return {
      kind: 'handled',
      order_id,
      queue: handledIn,
      message_id: String(message.properties.messageId),
      outcome,
    }
  }

  const died = diedHere(headers) ?? diedInQueue(headers, now)
  return died && { kind: 'dead', order_id, isEvent, ...died }
}

function aboutOf({ content, properties }: ConsumeMessage): {
  order_id: string | undefined
  isEvent: boolean
} {
  const json = parseJson(content)
  const event = [OrderPlaced, InventoryEvent]
    .map((schema) => schema.safeParse(json))
    .find(({ success }) => success)
  if (event?.data) return { order_id: event.data.data.order_id, isEvent: true }
  const named = [(json as { subject?: unknown } | null | undefined)?.subject, properties.correlationId]
  return { order_id: named.map((name) => OrderId.safeParse(name).data).find(Boolean), isEvent: false }
}

/** A copy that a consumer of ours made. */
function diedHere(headers: Record<string, unknown>) {
  const { [DEAD_SINCE]: at, [ORIGIN_QUEUE]: queue, [REASON]: reason } = headers
  const since = Date.parse(String(at)) / 1_000
  if (typeof queue !== 'string' || Number.isNaN(since)) return undefined
  return { queue, since, reason: String(reason ?? '') }
}

/** A message that its queue gave up itself: too many deliveries, or a copy that could not be made. */
function diedInQueue(headers: Record<string, unknown>, now: number) {
  const deaths: unknown = headers['x-death']
  const last = (Array.isArray(deaths) ? deaths[0] : undefined) as Record<string, unknown> | undefined
  if (typeof last?.queue !== 'string') return undefined
  const seconds = (last.time as { value?: unknown } | undefined)?.value
  return {
    queue: last.queue,
    since: typeof seconds === 'number' ? seconds : now / 1_000,
    reason: `given up by its queue: ${String(last.reason ?? 'unknown')}`,
  }
}

function parseJson(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch {
    // Not JSON: its properties may still name the order.
    return undefined
  }
}
