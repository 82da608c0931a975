import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { MAX_PAGE, PageQuery, pageOf, unknownCursor } from '@lab/kit/paging.ts'
import { invalidRequest, Problem } from '@lab/kit/problem.ts'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { type Change, type Changed, type Orders, type Refusal, reasonOf } from '../redis/orders.ts'
import {
  Address,
  Minutes,
  Name,
  NewOrder,
  Notes,
  OrderEvent,
  OrderId,
  Phone,
  PizzaOrder,
} from '../redis/schemas.ts'
import { type EventType, eventOf, NEXT, STATUSES, type Status } from '../redis/statuses.ts'
import { command } from './command.ts'
import { Delivery, deliveryOf } from './delivery.ts'
import type { PlatformMetrics } from './metrics.ts'

export interface OrderRoutesDeps {
  orders: Orders
  metrics: PlatformMetrics
}

const tags = ['orders']
const params = z.object({ id: z.string().max(100) })
const Respond = command({ accept: z.boolean(), notes: Notes.optional(), estimated_time: Minutes.optional() })
const Accept = command({ customer_name: Name, delivery_address: Address })
const Dispatch = command({ driver_name: Name, driver_phone: Phone.optional() })
const SetStatus = command({ status: z.enum(STATUSES) })

const Tracking = z
  .object({ order_id: z.uuid(), tracking_id: z.string(), supplier_tracking_id: z.string() })
  .meta({ id: 'Tracking' })

/** An order's life, each step of it one script in Redis. */
export function orderRoutes({ orders, metrics }: OrderRoutesDeps): RoutePlugin {
  return async (app) => {
    const created = { 201: PizzaOrder, 422: Problem }
    app.post(
      '/api/orders',
      {
        schema: {
          summary: 'A supplier offers a pizza; a repeat under the same Idempotency-Key is the same order',
          tags,
          headers: IdempotencyKey,
          body: NewOrder,
          response: created,
        },
      },
      async ({ body, headers }, reply) => {
        const { isNew, json, trackingId, supplierTrackingId } = await orders.create(
          body,
          headers['idempotency-key'],
        )
        if (isNew) metrics.created()
        const { id } = JSON.parse(json) as PizzaOrder
        reply.code(201).header('location', `/api/orders/${id}`)
        reply.header('tracking-id', trackingId).header('supplier-tracking-id', supplierTrackingId)
        return sendJson(reply, json)
      },
    )

    app.get(
      '/api/orders',
      {
        schema: {
          summary: 'All orders, newest first; where there are more, `Link` leads to the next page',
          tags,
          querystring: OrdersQuery,
          response: { 200: z.array(PizzaOrder) },
        },
      },
      async ({ query }, reply) => {
        const { limit, cursor, status } = query
        if (cursor !== undefined && !/^[1-9]\d{0,15}$/.test(cursor)) throw unknownCursor(cursor)
        const found = await orders.page({ status, before: cursor, limit: limit + 1 })
        const { rows, next } = pageOf(found, limit, ({ number }) => number)
        const filter = status === undefined ? '' : `&status=${status}`
        if (next !== undefined)
          reply.header('link', `</api/orders?limit=${limit}&cursor=${next}${filter}>; rel="next"`)
        return sendJson(reply, `[${rows.map(({ order }) => order).join(',')}]`)
      },
    )

    const one = { tags, params, response: { 200: PizzaOrder, 404: Problem } }
    app.get('/api/orders/:id', { schema: { summary: 'One order', ...one } }, async ({ params }, reply) => {
      const json = await orders.get(idOf(params))
      if (json === null) throw unknownOrder(params.id)
      return sendJson(reply, json)
    })
    app.get(
      '/api/orders/:id/events',
      {
        schema: {
          summary: 'What happened to an order; `missing-events` says how many the stream has let go',
          tags,
          params,
          response: { 200: z.array(OrderEvent), 404: Problem },
        },
      },
      async ({ params }, reply) => {
        const trail = await orders.trail(idOf(params))
        if (!trail) throw unknownOrder(params.id)
        if (trail.gone > 0) reply.header('missing-events', trail.gone)
        return sendJson(reply, `[${trail.events.join(',')}]`)
      },
    )
    const found = async (id: string) => {
      const one = await orders.find(idOf({ id }))
      if (!one) throw unknownOrder(id)
      return one
    }
    app.get(
      '/api/orders/:id/tracking',
      {
        schema: {
          summary: 'The ids by which anybody may follow it',
          tags,
          params,
          response: { 200: Tracking, 404: Problem },
        },
      },
      async ({ params }) => {
        const { order, meta } = await found(params.id)
        return {
          order_id: order.id,
          tracking_id: meta.trackingId,
          supplier_tracking_id: meta.supplierTrackingId,
        }
      },
    )
    app.get(
      '/api/orders/:id/delivery',
      {
        schema: {
          summary: 'Where it is; 400 before it is dispatched',
          tags,
          params,
          response: { 200: Delivery, 404: Problem },
        },
      },
      async ({ params }) => {
        const { order, meta } = await found(params.id)
        const delivery = deliveryOf(order, meta)
        if (delivery === undefined)
          throw new LabError('LAB_REQUEST_INVALID', `Order not yet dispatched: it is ${order.status}`, {
            details: { current_status: order.status },
          })
        return delivery
      },
    )

    // Commands. Each is tried once: of two that come together one sees what the other has done.
    const change = async (change: Change, reply: FastifyReply) => {
      const outcome = await orders.change([change])
      if ('refused' in outcome) throw refusalError(outcome.refused[0]!, change, metrics)
      const [done] = (outcome as { changed: Changed[] }).changed
      metrics.changed(change.event as EventType, done!)
      return sendJson(reply, done!.order)
    }
    const of = ({ schema }: { schema: typeof Respond.schema }, summary: string) => ({
      schema: { summary, ...one, response: { ...one.response, 409: Problem }, ...schema },
    })
    app.post(
      '/api/orders/:id/supplier-respond',
      of(Respond, 'The supplier accepts or rejects'),
      async (request, reply) => {
        const { accept, notes, estimated_time } = Respond.read(request)
        const set = {
          ...(notes !== undefined && { supplier_notes: notes }),
          ...(estimated_time !== undefined && { estimated_delivery_time: estimated_time }),
        }
        const event = eventOf(accept ? 'supplier_accepted' : 'supplier_rejected')
        return change({ id: idOf(request.params), event, set }, reply)
      },
    )
    app.post(
      '/api/orders/:id/customer-accept',
      of(Accept, 'The customer buys it'),
      async (request, reply) => {
        const set = Accept.read(request)
        return change({ id: idOf(request.params), event: eventOf('customer_accepted'), set }, reply)
      },
    )
    app.post('/api/orders/:id/dispatch', of(Dispatch, 'A driver takes it'), async (request, reply) => {
      const { driver_name, driver_phone: phone } = Dispatch.read(request)
      return change(
        { id: idOf(request.params), event: eventOf('dispatched'), set: { driver_name }, phone },
        reply,
      )
    })
    app.post('/api/orders/:id/status', of(SetStatus, 'Any other step'), async (request, reply) => {
      const { status } = SetStatus.read(request)
      return change({ id: idOf(request.params), event: eventOf(status), set: {} }, reply)
    })
  }
}

const IdempotencyKey = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
    .optional(),
})

const OrdersQuery = PageQuery.extend({
  cursor: PageQuery.shape.cursor.describe(
    'Where the page begins, from the `Link` header of the page before; without it at the newest order',
  ),
  limit: PageQuery.shape.limit.describe(`Most orders of a page, up to ${MAX_PAGE}`),
  status: z.enum(STATUSES).optional(),
})

/** What Redis holds is what the wire shows: nobody parses it on the way. */
export const sendJson = (reply: FastifyReply, json: string) =>
  reply
    .type('application/json')
    .serializer(String)
    .send(json as never)

/** Whatever is no id is the id of no order. */
function idOf({ id }: { id: string }): string {
  const parsed = OrderId.safeParse(id)
  if (!parsed.success) throw unknownOrder(id)
  return parsed.data
}

const unknownOrder = (id: string) => new LabError('LAB_NOT_FOUND', `Order ${id} does not exist`)

function refusalError(refusal: Refusal, change: Change, metrics: PlatformMetrics): LabError {
  metrics.refused(refusal.why)
  const { why, current, field } = refusal
  if (why === 'unknown') return unknownOrder(change.id)
  if (why === 'missing')
    return invalidRequest(
      'query',
      [{ code: 'custom', path: [field!], message: reasonOf(refusal, change) }],
      {},
    )
  return new LabError('LAB_CONFLICT', reasonOf(refusal, change), { details: whereItIs(current!) })
}

/** What a client needs to go on after a refusal. */
export const whereItIs = (current: Status) => ({ current_status: current, allowed: NEXT[current] })
