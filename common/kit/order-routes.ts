import { z } from 'zod'
import { Order } from '../domain/order.ts'
import { LabError } from './errors.ts'
import type { RoutePlugin } from './http.ts'
import { streamJsonArray } from './json-array.ts'
import type { OrderStream } from './order-stream.ts'
import { Problem } from './problem.ts'

/** What an order service can tell of its orders, wherever it keeps them. */
export interface OrderReader {
  get: (order_id: string) => Order | undefined
  /** All orders, oldest first, in pages: reading a long list never holds up the requests in between. */
  pages: () => Iterable<Order[]>
}

/** The reading side of an order service: `GET /orders`, `GET /orders/:order_id`, `GET /orders/stream`. */
export function orderRoutes({ orders, stream }: { orders: OrderReader; stream: OrderStream }): RoutePlugin {
  return async (app) => {
    app.get('/orders', { schema: { response: { 200: z.array(Order) } } }, async (_request, reply) =>
      reply.type('application/json').send(streamJsonArray(orders.pages()) as never),
    )

    app.get(
      '/orders/stream',
      {
        // HEAD would be a stream that is never written to, and never ends.
        exposeHeadRoute: false,
        schema: { description: 'Server-sent events: batches of {order_id, status, at}' },
      },
      async (_request, reply) => {
        stream.attach(reply)
      },
    )

    const params = z.object({ order_id: z.string() })
    app.get(
      '/orders/:order_id',
      { schema: { params, response: { 200: Order, 404: Problem } } },
      async ({ params }) => {
        const order = orders.get(params.order_id)
        if (!order) throw new LabError('LAB_NOT_FOUND', `Order '${params.order_id}' does not exist`)
        return order
      },
    )

    app.addHook('preClose', async () => stream.close())
  }
}
