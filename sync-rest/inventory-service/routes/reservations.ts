import { FailureReason, Item, OrderId, Quantity } from '@lab/common/domain/order.ts'
import { Stock } from '@lab/common/domain/stock.ts'
import { LabError } from '@lab/common/kit/errors.ts'
import type { Faults } from '@lab/common/kit/faults.ts'
import type { RoutePlugin } from '@lab/common/kit/http.ts'
import { Problem } from '@lab/common/kit/problem.ts'
import { reachStep } from '@lab/common/kit/steps.ts'
import { z } from 'zod'
import type { Reservations } from '../reservations.ts'

const Reserve = z.strictObject({ order_id: OrderId, item: Item, quantity: Quantity }).meta({ id: 'Reserve' })
const Release = z.strictObject({ order_id: OrderId }).meta({ id: 'Release' })
const Reserved = z.object({ order_id: z.string(), status: z.literal('reserved') })
const Refused = z.object({ order_id: z.string(), status: z.literal('failed'), reason: FailureReason })
const Released = z.object({ order_id: z.string(), released: z.boolean() })
const problems = { 400: Problem, 413: Problem, 415: Problem, 500: Problem }

/**
 * `POST /reserve` and `POST /release` are idempotent per `order_id`: sent again after an answer was lost, they change
 * nothing and say what was decided. `GET /stock` is what is left.
 */
export function reservationRoutes({
  reservations,
  faults,
}: {
  reservations: Reservations
  faults: Faults
}): RoutePlugin {
  return async (app) => {
    app.post(
      '/reserve',
      { schema: { body: Reserve, response: { 200: Reserved, 409: Refused, 422: Problem, ...problems } } },
      async ({ body, log }, reply) => {
        await faults.apply()
        const { order_id, item, quantity } = body
        const { isRepeat, ...result } = await reservations.reserve(body)
        reachStep('rest.reservation-stored')
        if (result.status === 'conflict') {
          throw new LabError(
            'LAB_KEY_REUSED',
            `order_id '${order_id}' stands for ${result.quantity} ${result.item}, not ${quantity} ${item}`,
          )
        }
        const event = result.status === 'reserved' ? 'stock reserved' : 'stock refused'
        log.info({ order_id, item, quantity, ...result }, isRepeat ? 'reservation repeated' : event)
        if (result.status === 'failed') return reply.code(409).send({ order_id, ...result })
        return { order_id, ...result }
      },
    )

    app.post(
      '/release',
      { schema: { body: Release, response: { 200: Released, ...problems } } },
      async ({ body: { order_id }, log }) => {
        await faults.apply()
        const released = await reservations.release(order_id)
        reachStep('rest.release-stored')
        log.info({ order_id }, released ? 'stock released' : 'nothing to release')
        return { order_id, released }
      },
    )

    app.get('/stock', { schema: { response: { 200: Stock } } }, async () => reservations.stock())
  }
}
