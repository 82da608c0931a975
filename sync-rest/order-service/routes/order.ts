import { type FailureReason, Order, PlaceOrder } from '@lab/common/domain/order.ts'
import { type Claim, KeyHeaders, REPLAYED } from '@lab/common/idempotency.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { Problem } from '@lab/kit/problem.ts'
import { z } from 'zod'

export interface OrderRouteDeps {
  claim: (key: string | string[] | undefined, command: PlaceOrder) => Claim
  placeOrder: (command: PlaceOrder, order_id: string) => Promise<Order>
}

const response = {
  201: Order.describe('Reserved, and notified unless the notification failed'),
  409: Problem.describe('An order with this Idempotency-Key is in flight'),
  422: z.union([Order, Problem]).describe('The order, failed; or a problem with the Idempotency-Key'),
  503: z
    .union([Order, Problem])
    .describe('The order, failed: inventory cannot be reached; or too many in flight'),
  504: Order.describe('The order; inventory did not answer in time, so its outcome is unknown until settled'),
}

const schema = {
  summary: 'Place an order, and wait for its outcome',
  tags: ['orders'],
  headers: KeyHeaders,
  body: PlaceOrder,
  response,
}

/** `POST /order` blocks until the order has its outcome, and answers the order whatever that is. */
export function orderRoute({ claim, placeOrder }: OrderRouteDeps): RoutePlugin {
  return async (app) => {
    app.post('/order', { schema }, async ({ headers, body }, reply) => {
      const { order_id, known, release } = claim(headers['idempotency-key'], body)
      try {
        const order = known ?? (await placeOrder(body, order_id))
        if (known) reply.header(...REPLAYED)
        return await reply.code(statusOf(order)).header('location', `/orders/${order_id}`).send(order)
      } finally {
        release()
      }
    })
  }
}

const OF_FAILURE: Record<FailureReason, 422 | 503 | 504> = {
  out_of_stock: 422,
  inventory_error: 422,
  not_accepted: 422,
  inventory_unavailable: 503,
  timeout: 504,
}

/** The status follows from the order alone, so a repeated key is answered as the first request was. */
function statusOf({ status, reason }: Order): 201 | 422 | 503 | 504 {
  if (status === 'reserved' || status === 'notified') return 201
  return status === 'failed' ? OF_FAILURE[reason ?? 'inventory_error'] : 504
}
