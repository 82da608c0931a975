import { Order } from '@lab/common/domain/order.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { z } from 'zod'
import type { Recorder } from '../recorder.ts'
import type { Flow } from './index.ts'
import { type LaneSource, shownLane } from './lanes.ts'
import { openSender, sameAgain } from './messages.ts'
import { createPause } from './pause.ts'
import { createPlacer, PlaceOrders } from './place.ts'
import { storyOf } from './story.ts'

const Held = z.strictObject({
  lane: z.string(),
  place: z.enum(['inventory', 'third']).default('inventory').describe('The service that is held'),
  do: z.enum(['hold', 'step', 'release']),
})

export interface FlowRoutesDeps {
  lanes: readonly LaneSource[]
  flow: Flow
  recorder: Recorder
}

/** The picture of the orders, their stories, and what may be done with them. */
export function flowRoutes({ lanes, flow, recorder }: FlowRoutesDeps): RoutePlugin {
  const placer = createPlacer({ lanes, publish: (placing) => recorder.publish('placing', placing) })
  const pause = createPause(lanes)
  const { tracker } = flow
  return async (app) => {
    const tags = ['flow']
    app.get('/api/flow', { schema: { summary: 'The lanes', tags } }, async () => ({
      lanes: lanes.map(shownLane),
    }))

    const params = z.object({ order_id: z.string().min(1).max(200) })
    app.get(
      '/api/flow/orders/:order_id',
      { schema: { summary: 'All there is to know of one order', tags, params } },
      ({ params }) => storyOf(params.order_id, { lanes, tracker }),
    )

    const since = z.strictObject({
      seconds: z.coerce.number().int().min(1).max(3_600).default(300).describe('How far back'),
    })
    app.get(
      '/api/flow/recording',
      {
        schema: {
          summary: 'The moves that are remembered, oldest first: what a rewind plays',
          tags,
          querystring: since,
        },
      },
      async ({ query }, reply) => {
        const from = Date.now() - query.seconds * 1_000
        // As they were serialised; what is of another kind the page passes over.
        const batches = recorder.since().filter(({ at }) => at >= from)
        const json = batches.map(({ json }) => json.toString())
        return reply
          .type('application/json')
          .serializer(String)
          .send(`[${json.join(',')}]` as never)
      },
    )

    app.post(
      '/admin/flow/orders',
      { schema: { summary: 'Place orders', tags, body: PlaceOrders } },
      async ({ body }, reply) => reply.code(202).send(placer.start(body) as never),
    )

    const run = z.object({ id: z.uuid() })
    app.delete(
      '/admin/flow/orders/:id',
      { schema: { summary: 'Place no more of these', tags, params: run } },
      async ({ params }) => {
        if (!placer.stop(params.id))
          throw new LabError('LAB_NOT_FOUND', `Nothing is being placed as '${params.id}'`)
        return { stopping: true }
      },
    )

    app.post(
      '/admin/flow/orders/:order_id/again',
      { schema: { summary: "Send the broker the order's own message once more", tags, params } },
      async ({ params }, reply) => {
        const { lane: name, now } = await storyOf(params.order_id, { lanes, tracker })
        const lane = lanes.find((one) => one.name === name)
        const order = Order.safeParse(now)
        if (!lane || !order.success)
          throw new LabError('LAB_NOT_FOUND', `No order service knows order '${params.order_id}'`)
        const sender = await openSender(lane)
        if (!sender)
          throw new LabError(
            'LAB_REQUEST_INVALID',
            `${lane.name} has no broker: nothing can be delivered twice`,
          )
        try {
          const message = sameAgain(order.data, lane.services.intake)
          await sender.send(message)
          return await reply.code(202).send({ message_id: message.id } as never)
        } finally {
          await sender.close()
        }
      },
    )

    app.post(
      '/admin/flow/hold',
      { schema: { summary: 'Hold a consumer, let one message go, or let go of it', tags, body: Held } },
      async ({ body }) => {
        await pause[body.do](body.lane, body.place)
        return { lane: body.lane, place: body.place, done: body.do }
      },
    )

    app.addHook('preClose', () => placer.close())
  }
}
