import { type FailureReason, Order, PlaceOrder } from '@lab/common/domain/order.ts'
import type { Faults } from '@lab/common/kit/faults.ts'
import type { RoutePlugin } from '@lab/common/kit/http.ts'
import type { Claim } from '@lab/common/kit/idempotency.ts'
import { Problem } from '@lab/common/kit/problem.ts'
import { z } from 'zod'

export interface OrderRouteDeps {
  claim: (key: string | string[] | undefined, command: PlaceOrder) => Claim
  placeOrder: (command: PlaceOrder, order_id: string) => Promise<Order>
  faults: Faults
}

const headers = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .describe('The same key and order answer the same order; 1 to 255 visible ASCII characters'),
})

const response = {
  201: Order.describe('Reserved, and notified unless the notification failed'),
  400: Problem,
  409: Problem,
  413: Problem,
  415: Problem,
  422: z.union([Order, Problem]).describe('The order, failed; or a problem with the Idempotency-Key'),
  500: Problem,
  503: z
    .union([Order, Problem])
    .describe('The order, failed: inventory cannot be reached; or too many in flight'),
  504: Order.describe('The order; inventory did not answer in time, so its outcome is unknown until settled'),
}

/** `POST /order` blocks until the order has its outcome, and answers the order whatever that is. */
export function orderRoute({ claim, placeOrder, faults }: OrderRouteDeps): RoutePlugin {
  return async (app) => {
    app.post(
      '/order',
      { schema: { headers, body: PlaceOrder, response } },
      async ({ headers, body }, reply) => {
        await faults.apply()
        const { order_id, known, release } = claim(headers['idempotency-key'], body)
        try {
          const order = known ?? (await placeOrder(body, order_id))
          return await reply.code(statusOf(order)).header('location', `/orders/${order_id}`).send(order)
        } finally {
          release()
        }
      },
    )
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
