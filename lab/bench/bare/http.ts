import { randomUUID } from 'node:crypto'
import { Pool } from 'undici'
import { env } from './config.ts'
import { serve } from './service.ts'

/** What part A can at best be: the same three hops with Fastify and undici, and nothing around them. */
const start: Record<string, () => Promise<void>> = {
  async order() {
    /** The same connections that part A's order service opens to each of the others. */
    const open = (url: string) => new Pool(url, { connections: 128 })
    const [inventory, notification] = [open(env.INVENTORY_URL), open(env.NOTIFICATION_URL)]
    let notified = 0
    await serve({
      done: () => notified,
      routes: (app) =>
        app.post('/order', async (request, reply) => {
          const { item, quantity } = request.body as { item: string; quantity: number }
          const order_id = randomUUID()
          const order = { order_id, item, quantity, status: 'notified', timestamp: Date.now() / 1_000 }
          const reserved = await post(inventory, '/reserve', { order_id, item, quantity })
          const sent = await post(notification, '/send', { order_id, status: 'reserved', item })
          if (reserved !== 200 || sent !== 200) return reply.code(502).send(order)
          notified++
          return reply.code(201).send(order)
        }),
      close: () => Promise.all([inventory.destroy(), notification.destroy()]),
    })
  },
  inventory: () => answer('/reserve', { status: 'reserved' }),
  notification: () => answer('/send', { sent: true }),
}

async function answer(path: string, outcome: object): Promise<void> {
  let answered = 0
  await serve({
    done: () => answered,
    routes: (app) =>
      app.post(path, (request) => {
        answered++
        return { order_id: (request.body as { order_id: string }).order_id, ...outcome }
      }),
  })
}

async function post(pool: Pool, path: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  const response = await pool.request({ method: 'POST', path, headers, body: JSON.stringify(body) })
  await response.body.json()
  return response.statusCode
}

await start[env.ROLE]!()
