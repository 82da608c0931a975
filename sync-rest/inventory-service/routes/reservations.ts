import { FailureReason, Item, OrderId, Quantity } from '@lab/common/domain/order.ts'
import { Stock } from '@lab/common/domain/stock.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { Problem } from '@lab/kit/problem.ts'
import { reachStep } from '@lab/kit/steps.ts'
import { z } from 'zod'
import type { Reservations } from '../reservations.ts'

const Reserve = z.strictObject({ order_id: OrderId, item: Item, quantity: Quantity }).meta({ id: 'Reserve' })
const Release = z.strictObject({ order_id: OrderId }).meta({ id: 'Release' })
const Reserved = z.object({ order_id: z.string(), status: z.literal('reserved') }).meta({ id: 'Reserved' })
const Refused = z
  .object({ order_id: z.string(), status: z.literal('failed'), reason: FailureReason })
  .meta({ id: 'Refused' })
const Released = z
  .object({ order_id: z.string(), released: z.boolean().describe('False: there was nothing to give back') })
  .meta({ id: 'Released' })

const tags = ['inventory']
const reserve = {
  summary: 'Reserve stock for an order, once',
  tags,
  body: Reserve,
  response: {
    200: Reserved,
    409: Refused.describe('The stock is too little, or the order was released'),
    422: Problem.describe('This order_id stands for another order'),
  },
}
const release = {
  summary: 'Give the stock of an order back',
  tags,
  body: Release,
  response: { 200: Released },
}

/**
 * `POST /reserve` and `POST /release` are idempotent per `order_id`: sent again after an answer was lost, they change
 * nothing and say what was decided. `GET /stock` is what is left.
 */
export function reservationRoutes({ reservations }: { reservations: Reservations }): RoutePlugin {
  return async (app) => {
    app.post('/reserve', { schema: reserve }, async ({ body, log }, reply) => {
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
    })

    app.post('/release', { schema: release }, async ({ body: { order_id }, log }) => {
      const released = await reservations.release(order_id)
      reachStep('rest.release-stored')
      log.info({ order_id }, released ? 'stock released' : 'nothing to release')
      return { order_id, released }
    })

    const stock = { summary: 'What is left', tags, response: { 200: Stock } }
    app.get('/stock', { schema: stock }, async () => reservations.stock())
  }
}
