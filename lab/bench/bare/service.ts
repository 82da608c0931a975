import Fastify, { type FastifyInstance } from 'fastify'
import { env } from './config.ts'

/** A bare Fastify that listens, answers `/ready`, says with `/counts` what it has handled, and ends with SIGTERM. */
export async function serve(
  counts: () => Record<string, number>,
  routes: (app: FastifyInstance) => void = () => {},
  close: () => Promise<void> = async () => {},
): Promise<void> {
  const app = Fastify({ forceCloseConnections: true })
  routes(app)
  app.get('/ready', () => ({ ready: true }))
  app.get('/counts', counts)
  app.addHook('onClose', close)
  process.once('SIGTERM', () => void app.close())
  await app.listen({ host: env.HOST, port: env.PORT })
}
