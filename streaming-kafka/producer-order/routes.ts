import { Order, PlaceOrder } from '@lab/common/domain/order.ts'
import { LabError } from '@lab/common/kit/errors.ts'
import type { Faults } from '@lab/common/kit/faults.ts'
import type { RoutePlugin } from '@lab/common/kit/http.ts'
import { Problem, problemOf } from '@lab/common/kit/problem.ts'
import { z } from 'zod'
import { BulkRequest, BulkResult, type createBulk } from './bulk.ts'
import type { createPlaceOrder } from './place-order.ts'

export interface ProduceRoutesDeps {
  placeOrder: ReturnType<typeof createPlaceOrder>
  placeBulk: ReturnType<typeof createBulk>
  faults: Faults
}

/** A problem document that also counts, so a bulk the broker broke off says how far it came. */
const AbortedBulk = Problem.extend(BulkResult.shape).meta({ id: 'AbortedBulk' })

/** `POST /order` and `POST /orders/bulk`: 202 once the log has the order, or all of them. */
export function produceRoutes({ placeOrder, placeBulk, faults }: ProduceRoutesDeps): RoutePlugin {
  return async (app) => {
    app.post(
      '/order',
      { schema: { body: PlaceOrder, response: { 202: Order, 503: Problem } } },
      async ({ body, headers }, reply) => {
        await faults.apply()
        const { 'idempotency-key': idempotencyKey, traceparent } = headers
        return reply.code(202).send(await placeOrder(body, { idempotencyKey, traceparent }))
      },
    )

    app.post(
      '/orders/bulk',
      { schema: { body: BulkRequest, response: { 202: BulkResult, 503: z.union([AbortedBulk, Problem]) } } },
      async ({ body, url }, reply) => {
        await faults.apply()
        const result = await placeBulk(body)
        if (result.aborted === undefined) return reply.code(202).send(result)
        return reply
          .code(503)
          .type('application/problem+json')
          .header('retry-after', '1')
          .send(abortedBulk(result, url))
      },
    )
  }
}

function abortedBulk(result: BulkResult, url: string): z.infer<typeof AbortedBulk> {
  const { accepted, requested, unknown, aborted } = result
  const detail = `${accepted} of ${requested} orders accepted, ${unknown} unknown: ${aborted}`
  return { ...problemOf(new LabError('LAB_DEPENDENCY_UNAVAILABLE', detail), url), ...result }
}
