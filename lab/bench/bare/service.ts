import Fastify, { type FastifyInstance } from 'fastify'
import { env } from './config.ts'

interface Service {
  /** How many orders it has done all it does for. */
  done?: () => number
  routes?: (app: FastifyInstance) => void
  close?: () => unknown
}

/** A bare Fastify that listens, answers `/ready`, says with `/done` how many orders it has handled, and ends with SIGTERM. */
export async function serve({ done = () => 0, routes, close }: Service): Promise<void> {
  const app = Fastify({ forceCloseConnections: true })
  routes?.(app)
  app.get('/ready', () => ({ ready: true }))
  app.get('/done', () => ({ orders: done() }))
  app.addHook('onClose', async () => void (await close?.()))
  process.once('SIGTERM', () => void app.close())
  await app.listen({ host: env.HOST, port: env.PORT })
}
