import type { Faults } from '@lab/common/kit/faults.ts'
import type { RoutePlugin } from '@lab/common/kit/http.ts'
import { streamJsonArray } from '@lab/common/kit/json-array.ts'
import { Notification } from '@lab/common/kit/notification-store.ts'
import { Problem } from '@lab/common/kit/problem.ts'
import { reachStep } from '@lab/common/kit/steps.ts'
import { z } from 'zod'
import type { Notifications } from '../notifications.ts'

const Send = z.strictObject(Notification.omit({ at: true }).shape).meta({ id: 'Send' })
const Sent = z.object({ order_id: z.string(), sent: z.boolean() })
const problems = { 400: Problem, 413: Problem, 415: Problem, 500: Problem }

/** `POST /send` is idempotent per `order_id`: sent again, it notifies nobody twice. `GET /notifications` is the log. */
export function notificationRoutes({
  notifications,
  faults,
}: {
  notifications: Notifications
  faults: Faults
}): RoutePlugin {
  return async (app) => {
    app.post(
      '/send',
      { schema: { body: Send, response: { 200: Sent, ...problems } } },
      async ({ body, log }) => {
        await faults.apply()
        const sent = await notifications.send({ ...body, at: Date.now() / 1_000 })
        reachStep('rest.notification-stored')
        log.info(body, sent ? 'notification sent' : 'notification repeated')
        return { order_id: body.order_id, sent }
      },
    )

    app.get(
      '/notifications',
      { schema: { response: { 200: z.array(Notification) } } },
      async (_request, reply) =>
        reply.type('application/json').send(streamJsonArray(notifications.pages()) as never),
    )
  }
}
