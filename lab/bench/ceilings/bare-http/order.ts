import { randomUUID } from 'node:crypto'
import { Pool } from 'undici'
import { INVENTORY_URL, NOTIFICATION_URL } from './config.ts'
import { serve } from './service.ts'

/** The same connections that part A's order service opens to each of the others. */
const CONNECTIONS = 128
const pools = [INVENTORY_URL, NOTIFICATION_URL].map((url) => new Pool(url!, { connections: CONNECTIONS }))
const [inventory, notification] = pools as [Pool, Pool]
let notified = 0

async function post(pool: Pool, path: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  const response = await pool.request({ method: 'POST', path, headers, body: JSON.stringify(body) })
  await response.body.json()
  return response.statusCode
}

await serve(
  (app) => {
    app.post('/order', async (request, reply) => {
      const { item, quantity } = request.body as { item: string; quantity: number }
      const order = {
        order_id: randomUUID(),
        item,
        quantity,
        status: 'notified',
        timestamp: Date.now() / 1_000,
      }
      const { order_id } = order
      const reserved = await post(inventory, '/reserve', { order_id, item, quantity })
      const sent = await post(notification, '/send', { order_id, status: 'reserved', item })
      if (reserved !== 200 || sent !== 200) return reply.code(502).send(order)
      notified++
      return reply.code(201).send(order)
    })
  },
  () => ({ notified }),
  async () => void (await Promise.all(pools.map((pool) => pool.destroy()))),
)
