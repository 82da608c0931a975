import type { RoutePlugin } from '@lab/kit/http.ts'
import { PageQuery, sendPage } from '@lab/kit/paging.ts'
import { z } from 'zod'
import { Notification, type NotificationStore } from './notification-store.ts'

/** `GET /notifications`: what was sent, in pages. */
export function notificationList({ page }: Pick<NotificationStore, 'page'>): RoutePlugin {
  return async (app) => {
    const schema = {
      summary: 'The notifications that were sent, oldest first',
      description:
        'In pages: `Link: <…>; rel="next"` is the address of the next one, and absent on the last.',
      tags: ['notifications'],
      querystring: PageQuery,
      response: { 200: z.array(Notification) },
    }
    app.get('/notifications', { schema }, async ({ query }, reply) =>
      sendPage(reply, '/notifications', query, page(query)),
    )
  }
}
