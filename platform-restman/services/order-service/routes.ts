import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { sendPage } from '@lab/kit/paging.ts'
import { nextTraceparent } from '@lab/kit/trace.ts'
import { z } from 'zod'
import { access, identityOf } from '../../shared/identity/guard.ts'
import { ROLES_OF_PEOPLE } from '../../shared/identity/identity.ts'
import { OrderQuery, type Orders } from './orders.ts'
import { Cancel, NewOrder, Order } from './schemas.ts'

export interface OrderRoutesDeps {
  orders: Orders
  /** An event was put out. */
  pump: () => void
}

const KEY = /^[\x21-\x7e]{1,255}$/

export function orderRoutes({ orders, pump }: OrderRoutesDeps): RoutePlugin {
  return async (app) => {
    const inOrders = (summary: string) => ({ summary, tags: ['orders'] })
    const params = z.object({ order_id: z.uuid() })

    app.post(
      '/api/orders',
      {
        schema: {
          ...inOrders('Place an order; with an Idempotency-Key the same one again is the same order'),
          ...access(ROLES_OF_PEOPLE),
          body: NewOrder,
          response: { 201: Order },
        },
      },
      async (request, reply) => {
        const key = request.headers['idempotency-key']
        if (key !== undefined && !KEY.test(String(key)))
          throw new LabError(
            'LAB_REQUEST_INVALID',
            'idempotency-key: must be 1 to 255 visible ASCII characters',
          )
        const { order, isNew } = await orders.place({
          who: identityOf(request),
          order: request.body,
          key: key as string | undefined,
          traceparent: nextTraceparent(request.headers.traceparent),
        })
        if (isNew) pump()
        return reply.code(201).header('location', `/api/orders/${order.order_id}`).send(order)
      },
    )

    app.get(
      '/api/orders',
      {
        schema: {
          ...inOrders('My orders, and those of my restaurants, the oldest first'),
          ...access(ROLES_OF_PEOPLE),
          querystring: OrderQuery,
          response: { 200: z.array(Order) },
        },
      },
      async (request, reply) =>
        sendPage(reply, '/api/orders', request.query, await orders.list(identityOf(request), request.query)),
    )

    app.get(
      '/api/orders/:order_id',
      {
        schema: {
          ...inOrders('One order'),
          ...access(ROLES_OF_PEOPLE, { own: 'order' }),
          params,
          response: { 200: Order },
        },
      },
      async (request) => {
        const { order_id } = request.params
        const order = await orders.find(identityOf(request), order_id)
        if (!order) throw new LabError('LAB_NOT_FOUND', `Order ${order_id} does not exist`)
        return order
      },
    )

    app.post(
      '/api/orders/:order_id/cancel',
      {
        schema: {
          ...inOrders('Cancel an order that no kitchen has begun; twice is once'),
          ...access([...ROLES_OF_PEOPLE, 'service'], { own: 'order' }),
          params,
          body: Cancel,
          response: { 200: Order },
        },
      },
      async (request) => {
        const who = identityOf(request)
        const { order_id } = request.params
        const traceparent = nextTraceparent(request.headers.traceparent)
        const reason = request.body?.reason
        if (reason !== undefined && who.role !== 'service')
          throw new LabError('LAB_REQUEST_INVALID', `reason: is not for people to say (got ${reason})`, {
            errors: [{ field: 'reason', message: 'is not for people to say', value: reason }],
          })
        const order = await orders.cancel(who, order_id, reason, traceparent)
        pump()
        return order
      },
    )

    app.post(
      '/internal/orders/:order_id/begin',
      {
        schema: {
          summary: 'A kitchen begins, unless the order is cancelled; twice is once',
          tags: ['internal'],
          ...access(['service']),
          params,
          response: { 204: z.null().describe('It is not cancelled any more') },
        },
      },
      async (request, reply) => {
        await orders.begin(request.params.order_id)
        return reply.code(204).send(null)
      },
    )
  }
}
