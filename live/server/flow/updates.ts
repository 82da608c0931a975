import type { Mark, Stop } from '../../wire/flow.ts'
import type { LaneSource } from './lanes.ts'
import type { OrderUpdate } from './order-stream.ts'
import type { Event } from './tracker.ts'

/**
 * Where an order is by its status. A blocking service stores an order and asks the inventory in the same breath, so what is
 * `placed` there waits for an answer; the others have it stored, or in the log, and nothing more is known yet.
 */
const STOP_OF: Record<LaneSource['kind'], Record<string, [Stop, Mark]>> = {
  http: {
    placed: [1, ''],
    reserved: [3, ''],
    notified: [5, ''],
    failed: [5, 'failed'],
    timeout: [1, 'timeout'],
  },
  rabbitmq: { placed: [0, ''], reserved: [3, ''], failed: [5, 'failed'] },
  kafka: { placed: [1, ''], reserved: [3, ''], failed: [5, 'failed'] },
}

const SAYS: Record<string, string> = {
  placed: 'stored the order',
  reserved: 'knows that it is reserved',
  failed: 'knows that it failed',
  notified: 'knows that the customer was notified',
  timeout: 'had no answer in time: what became of it is unknown',
}

/** An order service's own words as an event of the flow. */
export function eventOf(lane: LaneSource, { order_id, status, at }: OrderUpdate): Event {
  const [stop, mark] = STOP_OF[lane.kind][status] ?? [undefined, '' as const]
  return {
    lane: lane.name,
    order: order_id,
    at: at * 1_000,
    what: `${lane.services.intake} ${SAYS[status] ?? `says ${status}`}`,
    source: 'order stream',
    mark,
    ...(stop !== undefined && { stop }),
  }
}
