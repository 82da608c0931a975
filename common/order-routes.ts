import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { type Page, PageQuery, sendPage } from '@lab/kit/paging.ts'
import { Problem } from '@lab/kit/problem.ts'
import { z } from 'zod'
import { Order } from './domain/order.ts'
import type { OrderStream } from './order-stream.ts'

/** What an order service can tell of its orders, wherever it keeps them. */
export interface OrderReader {
  get: (order_id: string) => Order | undefined
  /**
   * Orders, oldest first, at most `limit` after the cursor. Throws `LAB_REQUEST_INVALID` when the cursor is of no page
   * of this list.
   */
  page: (query: PageQuery) => Page<Order>
}

/** That a message about an order is a dead letter: nobody works on it until somebody publishes it again. */
export const DeadLetter = z
  .object({
    since: z.number().describe('Since when, seconds since the epoch'),
    queue: z.string().describe('The queue whose consumer gave it up'),
    reason: z.string(),
  })
  .meta({ id: 'DeadLetter' })
export type DeadLetter = z.infer<typeof DeadLetter>

const TrackedOrder = Order.extend({
  dead_letter: DeadLetter.optional().describe('Present while a message about this order is a dead letter'),
}).meta({ id: 'TrackedOrder' })

export interface OrderRoutesDeps {
  orders: OrderReader
  stream: OrderStream
  /** Where the transport has dead letters that the order waits for. */
  deadLetterOf?: (order_id: string) => DeadLetter | undefined
}

/** The reading side of an order service: `GET /orders`, `GET /orders/:order_id`, `GET /orders/stream`. */
export function orderRoutes({ orders, stream, deadLetterOf }: OrderRoutesDeps): RoutePlugin {
  return async (app) => {
    const list = {
      summary: 'The orders, oldest first',
      description:
        'In pages: `Link: <…>; rel="next"` is the address of the next one, and absent on the last.',
      tags: ['orders'],
      querystring: PageQuery,
      response: { 200: z.array(Order) },
    }
    app.get('/orders', { schema: list }, async ({ query }, reply) =>
      sendPage(reply, '/orders', query, orders.page(query)),
    )

    const events = { 'text/event-stream': { schema: z.string() } }
    const streamed = {
      summary: 'What becomes of the orders, as it happens',
      description: 'Server-sent events: batches of {order_id, status, at}',
      tags: ['orders'],
      response: { 200: { content: events }, 503: Problem },
    }
    // HEAD as made from GET would be a stream that is never written to, and never ends.
    app.get('/orders/stream', { exposeHeadRoute: false, schema: streamed }, async (_request, reply) => {
      stream.attach(reply)
    })
    app.head('/orders/stream', { schema: { hide: true } }, async (_request, reply) =>
      reply.type('text/event-stream').send(),
    )

    const one = {
      summary: 'One order',
      tags: ['orders'],
      params: z.object({ order_id: z.string() }),
      response: { 200: deadLetterOf ? TrackedOrder : Order, 404: Problem },
    }
    app.get('/orders/:order_id', { schema: one }, async ({ params }) => {
      const order = orders.get(params.order_id)
      if (!order) throw new LabError('LAB_NOT_FOUND', `Order '${params.order_id}' does not exist`)
      const dead_letter = deadLetterOf?.(order.order_id)
      return { ...order, ...(dead_letter && { dead_letter }) }
    })

    app.addHook('preClose', async () => stream.close())
  }
}
