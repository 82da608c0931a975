import { Order, PlaceOrder } from '@lab/common/domain/order.ts'
import type { Faults } from '@lab/common/kit/faults.ts'
import type { RoutePlugin } from '@lab/common/kit/http.ts'
import { createIdempotency } from '@lab/common/kit/idempotency.ts'
import type { OrderReader } from '@lab/common/kit/order-routes.ts'
import { Problem } from '@lab/common/kit/problem.ts'
import { nextTraceparent } from '@lab/common/kit/trace.ts'
import type { Placement } from './place-orders.ts'

export interface OrderRouteDeps {
  orders: OrderReader
  place: (placement: Placement) => Promise<Order>
  faults: Faults
}

const response = { 202: Order, 400: Problem, 409: Problem, 422: Problem, 503: Problem }

/** `POST /order` answers 202: the order is stored and will be announced, its stock is decided later. */
export function orderRoute({ orders, place, faults }: OrderRouteDeps): RoutePlugin {
  const claim = createIdempotency(orders.get)
  return async (app) => {
    app.post('/order', { schema: { body: PlaceOrder, response } }, async ({ body, headers }, reply) => {
      if (faults.isActive) await faults.apply()
      const { order_id, known, release } = claim(headers['idempotency-key'], body)
      try {
        const traceparent = nextTraceparent(headers.traceparent)
        const order = known ?? (await place({ ...body, order_id, traceparent }))
        return reply.code(202).header('location', `/orders/${order_id}`).send(order)
      } finally {
        release()
      }
    })
  }
}
