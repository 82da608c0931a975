import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { access } from '../../shared/identity/guard.ts'
import { ROLES_OF_PEOPLE } from '../../shared/identity/identity.ts'
import { page } from './page.ts'
import { type Asked, type BillFacts, type OrderFacts, type RoadFacts, storyOf, Why } from './story.ts'

export interface WhyDeps {
  /** Calls a service signed as the person who asks, so that a stranger gets what a stranger gets. */
  callAs: (
    request: FastifyRequest,
  ) => (
    service: 'order' | 'billing' | 'scheduler',
    path: string,
  ) => Promise<{ status: number; json: () => Promise<unknown> }>
  /** Where mails are shown; none in production. */
  mailPageUrl?: string | undefined
}

/** Why is my order here: the road of one order through services and topics, and what it waits for. */
export function whyRoutes({ callAs, mailPageUrl }: WhyDeps): RoutePlugin {
  return async (app) => {
    const params = z.object({ order_id: z.uuid() })
    app.get(
      '/api/orders/:order_id/why',
      {
        schema: {
          summary: 'The road of an order, with times, and what it waits for',
          tags: ['orders'],
          ...access(ROLES_OF_PEOPLE, { own: 'order' }),
          params,
          response: { 200: Why },
        },
      },
      async (request) => {
        const { order_id } = request.params
        const call = callAs(request)
        const ask = async <Value>(
          service: Parameters<typeof call>[0],
          path: string,
        ): Promise<Asked<Value>> => {
          try {
            const answer = await call(service, path)
            const value = (await answer.json()) as Value
            if (answer.status === 200) return { state: 'there', value }
            return { state: answer.status === 404 ? 'missing' : 'away' }
          } catch {
            return { state: 'away' }
          }
        }
        // Whose order it is, the order-service says, before anything else is told.
        const order = await ask<OrderFacts>('order', `/api/orders/${order_id}`)
        if (order.state === 'missing') throw new LabError('LAB_NOT_FOUND', `Order ${order_id} does not exist`)
        if (order.state === 'away')
          throw new LabError(
            'LAB_DEPENDENCY_UNAVAILABLE',
            'order-service is away, and knows whose order it is',
          )
        const [road, bill] = await Promise.all([
          ask<RoadFacts>('scheduler', `/api/scheduler/orders/${order_id}/road`),
          ask<BillFacts>('billing', `/api/billing/bills/order/${order_id}`),
        ])
        return storyOf({ order: order.value, road, bill }, mailPageUrl)
      },
    )

    const Html = z.string()
    app.get('/why/:order_id', { schema: { hide: true, params, response: { 200: Html } } }, async (_, reply) =>
      reply
        .headers({
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': page.policy,
          'referrer-policy': 'no-referrer',
        })
        .serializer(String)
        .send(page.html),
    )
  }
}
