import type { Server } from 'node:http'
import { flushCompileCache } from 'node:module'
import type { Readable } from 'node:stream'
import cors, { type FastifyCorsOptionsDelegate } from '@fastify/cors'
import Fastify, {
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawServerDefault,
  type RouteOptions,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { settlesWithin } from './bounded.ts'
import { docsRoutes, type OtherDocs } from './docs.ts'
import { BODY_LIMIT_BYTES, type Door, openDoor, serverLimits } from './door.ts'
import type { Faults } from './faults.ts'
import { homeRoute } from './home-page.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { asLabError, problemOf } from './problem.ts'
import { refuseQuery, requirePlainBody } from './request-rules.ts'
import { createRouteTable, noRoute } from './route-table.ts'
import { schemaController } from './zod-compilers.ts'

const DRAIN_MS = 1_000
const DRAIN_BYTES = 8 * 1024 * 1024

export type RoutePlugin = FastifyPluginAsync<Record<never, never>, RawServerDefault, ZodTypeProvider>
export type HttpApp = Awaited<ReturnType<typeof createHttpApp>>

export interface HttpDeps {
  /** The part this service is of, by the name of its folder. */
  part: string
  service: string
  /** One sentence for the OpenAPI document. */
  description: string
  log: Logger
  metrics: Metrics
  /** What acts on every route that is not the service's own. */
  faults: Faults
  /** The other services of the part, name to address; shown at `/`. */
  peers?: Record<string, string> | undefined
  /** It serves a page at `/` itself; by default `/` lists where everything is. */
  hasPage?: boolean
  docs?: OtherDocs
  door?: Door | undefined
  /** What pages of other origins may do; without it they may do nothing. */
  cors?: CorsOptions | undefined
}

export interface CorsOptions {
  origins: readonly string[]
  /** Response headers that their scripts may read. */
  exposed?: readonly string[]
}

/** Routes of the service itself, which no fault touches: these, and what is hidden from the document, as pages and their files are. */
const OWN = /^\/(?:$|health$|ready$|metrics$|docs(?:$|\/)|admin\/)/
const isOwn = ({ url = '', schema }: FastifyRequest['routeOptions']) => schema?.hide === true || OWN.test(url)

/**
 * An HTTP app as every service has it: zod in and out, problem documents, faults, `/`, `/docs`, request metrics. It does
 * not listen.
 */
export async function createHttpApp(deps: HttpDeps) {
  const {
    part,
    service,
    description,
    log,
    metrics,
    faults,
    peers = {},
    hasPage = false,
    docs,
    door = {},
  } = deps
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    ...serverLimits(door),
    // A busy machine takes more than the usual 10 s to load what builds a page.
    ...(hasPage && { pluginTimeout: 60_000 }),
    // A URL that fits no route: it cannot be decoded, or a part of it is too long.
    frameworkErrors: (err, request: FastifyRequest, reply: FastifyReply) => sendError(err, request, reply),
    // An idle keep-alive connection must not hold up a graceful stop.
    forceCloseConnections: 'idle',
    schemaController,
  }).withTypeProvider<ZodTypeProvider>()
  // Only JSON is spoken here; without this, text/plain would reach the routes as a string.
  app.removeContentTypeParser('text/plain')

  app.setErrorHandler(async (err: Error, request, reply) => {
    if (!request.raw.complete) await drained(request.raw)
    return sendError(err, request, reply)
  })
  // Before the table of routes: what it adds is no path of the service.
  if (deps.cors) await app.register(cors, { delegator: corsOf(deps.cors) })
  const table = createRouteTable()
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    table.add(route)
    routes.push(route)
  })
  const withoutRoute = (request: FastifyRequest, reply: FastifyReply) => {
    const allowed = table.allowed(request.url)
    if (allowed.length > 0) reply.header('allow', allowed.join(', '))
    if (allowed.length > 0 && request.method === 'OPTIONS') return reply.code(204).send()
    return sendError(noRoute(request, allowed), request, reply)
  }
  app.setNotFoundHandler(withoutRoute)
  /** Also a path of its own that another route's parameter would take, as /orders/stream is for /orders/:order_id. */
  const isWrongMethod = ({ routeOptions, url, method }: FastifyRequest) =>
    routeOptions.url?.includes(':') && !table.allowed(url).includes(method)

  const { received, complete, answered } = openDoor(app.server, door, metrics)
  // With callbacks: an async hook costs every request a promise.
  app.addHook('onRequest', (request, reply, done) => {
    received(request)
    if (request.is404 || isWrongMethod(request)) return void withoutRoute(request, reply)
    requirePlainBody(request)
    refuseQuery(request)
    done()
  })
  // Once the request is known to be good: a bad one is refused as ever. A read is never delayed.
  app.addHook('preHandler', (request, _reply, done) => {
    if (!faults.isActive || isOwn(request.routeOptions)) return done()
    if (request.method === 'GET' || request.method === 'HEAD') {
      faults.refuse()
      return done()
    }
    faults.apply().then(() => done(), done)
  })
  app.addHook('preValidation', (request, _reply, done) => {
    complete(request)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    answered(request)
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status_code: reply.statusCode,
    }
    metrics.http.observe(labels, reply.elapsedTime / 1_000)
    done()
  })

  // For the next start, also when this one ends in a kill. Without NODE_COMPILE_CACHE it does nothing.
  app.addHook('onListen', async () => flushCompileCache())

  const sweep = closeIdle(app.server)
  app.addHook('preClose', async () => sweep.start())
  app.addHook('onClose', async () => sweep.stop())

  const needsToken = door.adminToken !== undefined
  const title = `${part} · ${service}`
  await app.register(docsRoutes({ title, description, needsToken, routes, other: docs }))
  if (!hasPage) await app.register(homeRoute({ part, service, description, peers }))
  return app
}

/** An `OPTIONS` that is no preflight is answered as ever, with what is allowed. */
function corsOf({ origins, exposed = [] }: CorsOptions): FastifyCorsOptionsDelegate {
  const allowed = {
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders: [...exposed],
    maxAge: 600,
  }
  return (request, done) => {
    done(null, { ...allowed, preflight: request.headers['access-control-request-method'] !== undefined })
  }
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

/**
 * Reads what a refused request has not sent yet, for a second and 8 MiB at most, and throws it away. A connection that is
 * closed while its client still sends is reset, and the client then sees a broken pipe instead of the reason: RFC 9112,
 * 9.6 and nginx's `lingering_close`.
 */
async function drained(body: Readable): Promise<void> {
  let left = DRAIN_BYTES
  const read = async () => {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      left -= (chunk as Buffer).length
      if (left < 0) return
    }
  }
  await settlesWithin(read(), DRAIN_MS)
}

function sendError(thrown: Error, request: FastifyRequest, reply: FastifyReply) {
  const err = asLabError(thrown, request.routeOptions.bodyLimit ?? BODY_LIMIT_BYTES)
  const problem = problemOf(err, request.url)
  if (problem.status >= 500) {
    // Without its query, where people put tokens.
    const [path] = request.url.split('?', 1)
    request.log.error({ err: err.cause ?? err, code: err.code, path }, 'request failed')
  }
  if (err.code === 'LAB_CONTENT_ENCODING') reply.header('accept-encoding', 'identity')
  if (problem.status === 401)
    reply.header('www-authenticate', err.code === 'LAB_ADMIN_TOKEN' ? 'Bearer realm="admin"' : 'Bearer')
  if (err.retryable || problem.status === 503 || err.code === 'LAB_KEY_IN_FLIGHT')
    reply.header('retry-after', String(err.retryAfterSeconds))
  // Serialised here: the route's response schemas describe its outcomes, not the problems.
  return reply.code(problem.status).type('application/problem+json').serializer(JSON.stringify).send(problem)
}
