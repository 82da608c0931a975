import type { Server } from 'node:http'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, {
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawServerDefault,
} from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { BODY_LIMIT_BYTES, type Door, openDoor, serverLimits } from './door.ts'
import { LabError } from './errors.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { openapi } from './openapi.ts'
import { asLabError, invalidRequest, problemOf } from './problem.ts'

export type RoutePlugin = FastifyPluginAsync<Record<never, never>, RawServerDefault, ZodTypeProvider>
export type HttpApp = Awaited<ReturnType<typeof createHttpApp>>

export interface HttpDeps {
  service: string
  /** One sentence for the OpenAPI document. */
  description: string
  log: Logger
  metrics: Metrics
  door?: Door | undefined
}

/** An HTTP app as every service has it: zod in and out, problem documents, `/docs`, request metrics. It does not listen. */
export async function createHttpApp({ service, description, log, metrics, door = {} }: HttpDeps) {
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    ...serverLimits(door),
    // A URL that fits no route: it cannot be decoded, or a part of it is too long.
    frameworkErrors: (err, request: FastifyRequest, reply: FastifyReply) => sendError(err, request, reply),
    // An idle keep-alive connection must not hold up a graceful stop.
    forceCloseConnections: 'idle',
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (data) => {
    const parsed = schema.safeParse(data)
    if (parsed.success) return { value: parsed.data }
    return { error: invalidRequest(httpPart ?? 'body', parsed.error.issues, data) }
  })
  app.setSerializerCompiler(serializerCompiler)
  // Only JSON is spoken here; without this, text/plain would reach the routes as a string.
  app.removeContentTypeParser('text/plain')

  app.setErrorHandler(sendError)
  app.setNotFoundHandler((request, reply) => {
    const { method, url } = request
    return sendError(new LabError('LAB_NOT_FOUND', `${method} ${url} does not exist`), request, reply)
  })
  const { enter, whole, leave } = openDoor(app.server, door, metrics)
  // With callbacks: an async hook costs every request a promise.
  app.addHook('onRequest', (request, _reply, done) => {
    enter(request)
    done()
  })
  app.addHook('preValidation', (request, _reply, done) => {
    whole(request)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    leave(request)
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status_code: reply.statusCode,
    }
    metrics.http.observe(labels, reply.elapsedTime / 1_000)
    done()
  })

  const sweep = closeIdle(app.server)
  app.addHook('preClose', async () => sweep.start())
  app.addHook('onClose', async () => sweep.stop())

  const needsToken = door.adminToken !== undefined
  await app.register(swagger, openapi({ service, description, needsToken }))
  await app.register(swaggerUi, { routePrefix: '/docs' })
  return app
}

/**
 * A connection that is in use when a stop begins is kept alive after its answer, and the stop would wait for its client
 * to close it: an idle one has to be closed by us, as soon as it is idle.
 */
function closeIdle(server: Server) {
  let timer: NodeJS.Timeout | undefined
  return {
    start: () => {
      timer = setInterval(() => server.closeIdleConnections(), 25)
    },
    stop: () => clearInterval(timer),
  }
}

function sendError(thrown: Error, request: FastifyRequest, reply: FastifyReply) {
  const err = asLabError(thrown, BODY_LIMIT_BYTES)
  const problem = problemOf(err, request.url)
  if (problem.status >= 500) {
    // Without its query, where people put tokens.
    const [path] = request.url.split('?', 1)
    request.log.error({ err: err.cause ?? err, code: err.code, path }, 'request failed')
  }
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="admin"')
  if (err.retryable || problem.status === 503 || err.code === 'LAB_KEY_IN_FLIGHT')
    reply.header('retry-after', '1')
  // Serialised here: the route's response schemas describe its outcomes, not the problems.
  return reply.code(problem.status).type('application/problem+json').serializer(JSON.stringify).send(problem)
}
