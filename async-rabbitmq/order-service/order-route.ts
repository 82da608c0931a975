import { Order, PlaceOrder } from '@lab/common/domain/order.ts'
import { createIdempotency, KeyHeaders, REPLAYED } from '@lab/common/idempotency.ts'
import type { OrderReader } from '@lab/common/order-routes.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { Problem } from '@lab/kit/problem.ts'
import { nextTraceparent } from '@lab/kit/trace.ts'
import type { Placement } from './place-orders.ts'

export interface OrderRouteDeps {
  orders: OrderReader
  place: (placement: Placement) => Promise<Order>
}

const schema = {
  summary: 'Place an order; it is decided later',
  tags: ['orders'],
  headers: KeyHeaders,
  body: PlaceOrder,
  response: {
    202: Order.describe('The order is stored, and will be announced'),
    409: Problem.describe('An order with this Idempotency-Key is in flight'),
    422: Problem.describe('This Idempotency-Key stands for another order'),
    503: Problem.describe('Too many orders wait for the broker'),
  },
}

/** `POST /order` answers 202: the order is stored and will be announced, its stock is decided later. */
export function orderRoute({ orders, place }: OrderRouteDeps): RoutePlugin {
  const claim = createIdempotency(orders.get)
  return async (app) => {
    app.post('/order', { schema }, async ({ body, headers }, reply) => {
      const { order_id, known, release } = claim(headers['idempotency-key'], body)
      try {
        const traceparent = nextTraceparent(headers.traceparent as string | undefined)
        const order = known ?? (await place({ ...body, order_id, traceparent }))
        if (known) reply.header(...REPLAYED)
        return reply.code(202).header('location', `/orders/${order_id}`).send(order)
      } finally {
        release()
      }
    })
  }
}
