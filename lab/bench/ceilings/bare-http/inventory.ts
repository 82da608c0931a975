import { serve } from './service.ts'

let reserved = 0

await serve(
  (app) => {
    app.post('/reserve', (request) => {
      const { order_id } = request.body as { order_id: string }
      reserved++
      return { order_id, status: 'reserved' }
    })
  },
  () => ({ reserved }),
)
