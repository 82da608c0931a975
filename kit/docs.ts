import Fastify, { type FastifyInstance, type FastifyPluginAsync, type RouteOptions } from 'fastify'
import { type DocumentOptions, openapi } from './openapi.ts'
import { noRoute } from './route-table.ts'
import { schemaController } from './zod-compilers.ts'

/** An OpenAPI document. */
export type Document = Record<string, unknown>

/** What `/docs` shows in place of the service's own document, and what has to be done before it is asked. */
export interface OtherDocs {
  prepare: () => Promise<void>
  document: (own: Document) => Document
}

export interface DocsDeps extends DocumentOptions {
  /** Every route of the app, also those that are added after this. */
  routes: readonly RouteOptions[]
  other?: OtherDocs | undefined
}

/** Headers that are about the connection, which is not the one of the answer, and the time. */
const NOT_PASSED_ON = ['connection', 'keep-alive', 'transfer-encoding', 'date']

/**
 * `/docs` and the OpenAPI document. Both are made when somebody asks for the first time, by an app of their own that has the same
 * routes and is never served: what makes them takes an eighth of a service's heap, and most services are never asked.
 */
export function docsRoutes(deps: DocsDeps): FastifyPluginAsync {
  let opening: Promise<FastifyInstance> | undefined
  return async (app) => {
    for (const path of ['/docs', '/docs/*'])
      app.get(path, { schema: { hide: true } }, async (request, reply) => {
        opening ??= openDocs(deps)
        const docs = await opening
        const headers = request.headers as Record<string, string>
        const answer = await docs.inject({ url: request.url, headers })
        if (answer.statusCode >= 500) throw new Error(`no document: ${answer.body}`)
        if (answer.statusCode >= 400) throw noRoute(request, [])
        for (const name of NOT_PASSED_ON) delete answer.headers[name]
        return reply.code(answer.statusCode).headers(answer.headers).send(answer.rawPayload)
      })
  }
}

async function openDocs({ routes, other, ...document }: DocsDeps): Promise<FastifyInstance> {
  const [swagger, swaggerUi] = await Promise.all([import('@fastify/swagger'), import('@fastify/swagger-ui')])
  const app = Fastify({ schemaController })
  await app.register(swagger.default, openapi(document))
  await app.register(swaggerUi.default, {
    routePrefix: '/docs',
    theme: { title: document.title },
    ...(other && { uiHooks: { onRequest: other.prepare }, transformSpecification: other.document }),
  })
  for (const { method, url, schema } of routes)
    if (method !== 'HEAD' && schema?.hide !== true)
      app.route({ method, url, ...(schema && { schema }), handler: async () => {} })
  await app.ready()
  return app
}
