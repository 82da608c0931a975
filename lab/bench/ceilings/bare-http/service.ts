import Fastify, { type FastifyInstance } from 'fastify'
import { HOST, PORT } from './config.ts'

/** A bare Fastify that listens, answers `/ready`, says with `/counts` what it has handled, and ends with SIGTERM. */
export async function serve(
  routes: (app: FastifyInstance) => void,
  counts: () => Record<string, number>,
  close: () => Promise<void> = async () => {},
): Promise<void> {
  const app = Fastify({ forceCloseConnections: true })
  routes(app)
  app.get('/ready', () => ({ ready: true }))
  app.get('/counts', counts)
  app.addHook('onClose', close)
  process.once('SIGTERM', () => void app.close())
  await app.listen({ host: HOST, port: PORT })
}
