import { randomUUID } from 'node:crypto'
import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { Problem } from '@lab/kit/problem.ts'
import { z } from 'zod'
import { type Change, type Orders, type Refusal, reasonOf } from '../redis/orders.ts'
import { Address, Minutes, Name, Notes, OrderId, Phone } from '../redis/schemas.ts'
import { EVENT_TYPES, type EventType } from '../redis/statuses.ts'
import type { PlatformMetrics } from './metrics.ts'
import { sendJson, whereItIs } from './order-routes.ts'

const MOST_EVENTS = 500
const BODY_BYTES = 1024 * 1024

const Data = z.strictObject({
  notes: Notes.optional(),
  supplier_notes: Notes.optional(),
  estimated_time: Minutes.optional(),
  estimated_delivery_time: Minutes.optional(),
  customer_name: Name.optional(),
  delivery_address: Address.optional(),
  driver_name: Name.optional(),
  driver_phone: Phone.optional(),
})
const [, ...ASKED] = EVENT_TYPES
const BatchEvent = z.strictObject({
  event_type: z.enum(ASKED as [EventType, ...EventType[]]),
  order_id: OrderId,
  data: Data.nullish().describe('What the event says of the order'),
})
const Batch = z
  .strictObject({
    events: z.array(BatchEvent).min(1).max(MOST_EVENTS),
    correlation_id: z
      .string()
      .regex(/^[\x21-\x7e]{1,100}$/, 'must be 1 to 100 visible ASCII characters')
      .optional()
      .describe('Names the batch: the same one again changes nothing and is answered the same'),
  })
  .meta({ id: 'Batch' })
const BatchAnswer = z
  .object({
    success: z.literal(true),
    events_processed: z.int(),
    correlation_id: z.string(),
    timestamp: z.iso.datetime(),
  })
  .meta({ id: 'BatchAnswer' })

/** Several events at once: all of them, in order, or none. */
export function batchRoutes({ orders, metrics }: { orders: Orders; metrics: PlatformMetrics }): RoutePlugin {
  return async (app) => {
    app.post(
      '/api/events/batch',
      {
        bodyLimit: BODY_BYTES,
        schema: {
          summary: `Up to ${MOST_EVENTS} events, all or none, in order`,
          tags: ['orders'],
          body: Batch,
          response: { 200: BatchAnswer, 404: Problem, 409: Problem, 422: Problem },
        },
      },
      async ({ body }, reply) => {
        const id = body.correlation_id ?? randomUUID()
        const changes = body.events.map(changeOf)
        const answer = (at: Date) =>
          JSON.stringify({
            success: true,
            events_processed: changes.length,
            correlation_id: id,
            timestamp: at.toISOString(),
          })
        let sent = ''
        const outcome = await orders.change(changes, { id, answer: (at) => (sent = answer(at)) })
        if ('refused' in outcome) throw refused(outcome.refused, changes, metrics)
        if ('known' in outcome) return sendJson(reply, outcome.known)
        for (const [at, done] of outcome.changed.entries())
          metrics.changed(changes[at]!.event as EventType, done)
        return sendJson(reply, sent)
      },
    )
  }
}

function changeOf({ event_type, order_id, data }: z.infer<typeof BatchEvent>): Change {
  const { notes, estimated_time, driver_phone, ...rest } = data ?? {}
  const set = {
    ...(notes && { supplier_notes: notes }),
    ...(estimated_time && { estimated_delivery_time: estimated_time }),
    ...rest,
  }
  return { id: order_id, event: event_type, set: set as Change['set'], phone: driver_phone }
}

/** Says of each refused event what is wrong with it; the worst gives the status. */
function refused(refusals: Refusal[], changes: Change[], metrics: PlatformMetrics): LabError {
  const events = refusals.map((refusal) => {
    metrics.refused(refusal.why)
    const { at, why, current, field } = refusal
    const change = changes[at]!
    return {
      index: at,
      order_id: change.id,
      event_type: change.event,
      reason: reasonOf(refusal, change),
      field: `events.${at}.${why === 'unknown' ? 'order_id' : why === 'illegal' ? 'event_type' : `data.${field}`}`,
      ...(current && whereItIs(current)),
    }
  })
  const has = (why: Refusal['why']) => refusals.some((refusal) => refusal.why === why)
  const code = has('illegal') ? 'LAB_CONFLICT' : has('unknown') ? 'LAB_NOT_FOUND' : 'LAB_REQUEST_INVALID'
  return new LabError(code, `Nothing was changed: ${events.length} of ${changes.length} events are refused`, {
    errors: events.map(({ field, reason }) => ({ field, message: reason })),
    details: { events: events.map(({ field: _, ...event }) => event) },
  })
}
