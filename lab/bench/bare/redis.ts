import { randomInt, randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { createClient } from 'redis'
import { env } from './config.ts'
import { serve } from './service.ts'

/**
 * What a platform over Redis can at best be: Fastify, the client, and the part's own scripts. It checks nothing, counts nothing, and
 * tells nobody.
 */
const { CREATE, CHANGE } = await import(env.SCRIPTS)
const client = createClient({ url: env.REDIS_URL, disableClientInfo: true })
client.on('error', () => {
  // Its requests fail.
})
await client.connect()
for (const { text } of [CREATE, CHANGE]) await client.scriptLoad(text)
const run = async ({ sha }: { sha: string }, input: object) =>
  (await client.evalSha(sha, { arguments: [JSON.stringify(input)] })) as never[]

function routes(app: FastifyInstance): void {
  app.post('/api/orders', async (request, reply) => {
    const at = new Date()
    const moment = at.toISOString()
    const order = {
      id: randomUUID(),
      markup_percentage: 30,
      ...(request.body as object),
      status: 'pending_supplier',
      customer_price: null,
      customer_name: null,
      delivery_address: null,
      driver_name: null,
      estimated_delivery_time: null,
      supplier_notes: null,
      created_at: moment,
      updated_at: moment,
    }
    const customer_ids = [String(randomInt(100_000_000)), randomUUID()]
    const [, json] = await run(CREATE, {
      order,
      customer_price: 13,
      customer_ids,
      supplier_ids: [randomUUID()],
      now: at.getTime(),
      kept: 100_000,
    })
    return reply.code(201).type('application/json').send(json)
  })
  app.post<{ Params: { id: string }; Querystring: { to: string } }>(
    '/api/orders/:id',
    async (request, reply) => {
      const { to } = request.query
      const at = new Date()
      const change = { id: request.params.id, event: `order.${to}`, to, set: request.body }
      const [outcome, done] = await run(CHANGE, {
        changes: [change],
        now: at.getTime(),
        at: at.toISOString(),
        day: '2026-01-01',
        kept: 100_000,
      })
      if (outcome !== 'done') return reply.code(409).send({ outcome })
      return reply.type('application/json').send(done![0])
    },
  )
}

await serve({ routes, close: () => client.destroy() })
