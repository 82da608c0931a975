import { notificationList } from '@lab/common/notification-list.ts'
import { Notification } from '@lab/common/notification-store.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { reachStep } from '@lab/kit/steps.ts'
import { z } from 'zod'
import type { Notifications } from '../notifications.ts'

const Send = z.strictObject(Notification.omit({ at: true }).shape).meta({ id: 'Send' })
const Sent = z
  .object({ order_id: z.string(), sent: z.boolean().describe('False: the order was notified before') })
  .meta({ id: 'Sent' })
const schema = {
  summary: 'Notify the customer of an order, once',
  tags: ['notifications'],
  body: Send,
  response: { 200: Sent },
}

/** `POST /send` is idempotent per `order_id`: sent again, it notifies nobody twice. `GET /notifications` is the log. */
export function notificationRoutes({ notifications }: { notifications: Notifications }): RoutePlugin {
  return async (app) => {
    app.post('/send', { schema }, async ({ body, log }) => {
      const sent = await notifications.send({ ...body, at: Date.now() / 1_000 })
      reachStep('rest.notification-stored')
      log.info(body, sent ? 'notification sent' : 'notification repeated')
      return { order_id: body.order_id, sent }
    })

    await app.register(notificationList(notifications))
  }
}
