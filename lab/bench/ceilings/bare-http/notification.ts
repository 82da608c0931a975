import { serve } from './service.ts'

let sent = 0

await serve(
  (app) => {
    app.post('/send', (request) => {
      const { order_id } = request.body as { order_id: string }
      sent++
      return { order_id, sent: true }
    })
  },
  () => ({ sent }),
)
