import { Order, PlaceOrder } from '@lab/common/domain/order.ts'
import { KeyHeaders, REPLAYED } from '@lab/common/idempotency.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { Problem, problemOf } from '@lab/kit/problem.ts'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { BulkRequest, BulkResult, type createBulk } from './bulk.ts'
import type { createPlaceOrder } from './place-order.ts'

export interface ProduceRoutesDeps {
  placeOrder: ReturnType<typeof createPlaceOrder>
  placeBulk: ReturnType<typeof createBulk>
}

/** A problem document that also counts, so a bulk the broker broke off says how far it came. */
const AbortedBulk = Problem.extend(BulkResult.shape).meta({ id: 'AbortedBulk' })

const one = {
  summary: 'Place an order; it is decided later',
  tags: ['orders'],
  headers: KeyHeaders,
  body: PlaceOrder,
  response: {
    202: Order.describe('The log has the order'),
    409: Problem.describe('An order with this Idempotency-Key is in flight'),
    422: Problem.describe('This Idempotency-Key stands for another order'),
    503: Problem.describe('The log did not acknowledge in time, or is still being read'),
  },
}

const many = {
  summary: 'Place many orders',
  description:
    'Ends when its client hangs up. With an `Idempotency-Key`, sent again it places only what the log does not have yet.',
  tags: ['orders'],
  headers: KeyHeaders,
  body: BulkRequest,
  response: {
    202: BulkResult.describe('The log has all of them'),
    409: Problem.describe('A bulk with this Idempotency-Key is in flight'),
    422: Problem.describe('This Idempotency-Key stands for another bulk'),
    503: z.union([AbortedBulk, Problem]).describe('Broken off, with how far it came; or too many at once'),
  },
}

/** `POST /order` and `POST /orders/bulk`: 202 once the log has the order, or all of them. */
export function produceRoutes({ placeOrder, placeBulk }: ProduceRoutesDeps): RoutePlugin {
  return async (app) => {
    app.post('/order', { schema: one }, async ({ body, headers }, reply) => {
      const traceparent = headers.traceparent as string | undefined
      const { order, isReplay } = await placeOrder(body, {
        idempotencyKey: headers['idempotency-key'],
        traceparent,
      })
      if (isReplay) reply.header(...REPLAYED)
      return reply.code(202).header('location', `/orders/${order.order_id}`).send(order)
    })

    app.post('/orders/bulk', { schema: many }, async ({ body, headers, url }, reply) => {
      const { result, isReplay } = await placeBulk(body, {
        idempotencyKey: headers['idempotency-key'],
        gone: hangUpOf(reply),
      })
      if (isReplay) reply.header(...REPLAYED)
      if (result.aborted === undefined) return reply.code(202).send(result)
      return reply
        .code(503)
        .type('application/problem+json')
        .header('retry-after', '1')
        .send(abortedBulk(result, url))
    })
  }
}

/** Aborts when the client closes its connection before it has an answer. */
function hangUpOf({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => gone.abort(new Error('the client is gone')))
  return gone.signal
}

function abortedBulk(result: BulkResult, url: string): z.infer<typeof AbortedBulk> {
  const { accepted, requested, unknown, aborted } = result
  const detail = `${accepted} of ${requested} orders accepted, ${unknown} unknown: ${aborted}`
  return { ...problemOf(new LabError('LAB_DEPENDENCY_UNAVAILABLE', detail), url), ...result }
}
