import { ack, deadLetter, duplicate, type Outcome } from '@lab/kit/outcome.ts'
import { decodeInventoryEvent, decodeOrderPlaced, type LogMessage, timeOf } from '../broker/records.ts'
import { ORDER_EVENTS } from '../broker/topics.ts'
import type { Projection } from './projection.ts'

/**
 * Counts one record of either topic.
 *
 * - ack          the event is counted
 * - duplicate    an event of this id was counted before
 * - dead-letter  the record is no event of its topic
 */
export function onEvent(topic: string, message: LogMessage, projection: Projection): Outcome {
  const decoded = topic === ORDER_EVENTS ? decodeOrderPlaced(message) : decodeInventoryEvent(message)
  if (!decoded.event) return deadLetter(decoded.reason)
  return projection.apply(decoded.event, timeOf(message)) ? ack() : duplicate()
}
