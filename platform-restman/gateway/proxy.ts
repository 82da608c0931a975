import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { nextTraceparent } from '@lab/kit/trace.ts'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Identity, IdentityHeaders } from '../shared/identity/identity.ts'
import type { Admitted } from './admission.ts'
import type { ServiceKey } from './route-map.ts'
import type { Answer, Upstream } from './upstream.ts'

export interface ProxyDeps {
  admit: (request: IncomingMessage) => Promise<Admitted>
  sign: (identity: Identity) => IdentityHeaders
  upstreams: Record<ServiceKey, Upstream>
  /** Routes below `/api` that the gateway answers itself, by what services tell the one who asks. */
  own?: (callAs: CallAs) => RoutePlugin
}

/** Calls a service signed as whoever asks. */
export type CallAs = (
  request: Pick<FastifyRequest, 'raw'>,
) => (service: ServiceKey, path: string) => Promise<{ status: number; json: () => Promise<unknown> }>

/** Every other header stays outside, and with it everything that looks like an identity, however it is spelled. */
const PASSED_ON = [
  'accept',
  'accept-language',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'tracestate',
  'user-agent',
]
/** Of a connection, not of an answer. */
const OF_THE_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const REQUEST_ID = /^[\w.:-]{1,128}$/
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Everything below `/api`: whoever may come in is passed on, bytes unread, with a signed word about who it is. */
export function proxyRoutes({ admit, sign, upstreams, own }: ProxyDeps): RoutePlugin {
  return async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    const admitted = new WeakMap<IncomingMessage, Admitted & { traced: Record<string, string> }>()

    app.addHook('onRequest', async (request, reply) => {
      if (!request.routeOptions.url?.startsWith('/api/')) return
      const { headers } = request
      const id = REQUEST_ID.exec(String(headers['x-request-id'] ?? ''))?.[0] ?? randomUUID()
      const traceparent = nextTraceparent(headers.traceparent)
      reply.header('x-request-id', id)
      request.log = request.log.child({ request_id: id, trace_id: traceparent.split('-')[1] })
      const traced = { 'x-request-id': id, traceparent }
      admitted.set(request.raw, { ...(await admit(request.raw)), traced })
    })
    app.addHook('onResponse', (request, reply, done) => {
      const { service, identity } = admitted.get(request.raw) ?? {}
      const [path] = request.url.split('?', 1)
      const durationMs = Math.round(reply.elapsedTime)
      const { method } = request
      const facts = {
        method,
        path,
        status: reply.statusCode,
        durationMs,
        service,
        user_id: identity?.user_id,
      }
      request.log.info(facts, 'request answered')
      done()
    })

    const callAs: CallAs =
      ({ raw }) =>
      async (service, path) => {
        const { identity, traced } = admitted.get(raw)!
        const headers = { ...sign(identity!), ...traced }
        const { status, body } = await upstreams[service].call({ method: 'GET', path, headers })
        return { status, json: () => json(body) }
      }
    if (own) await app.register(own(callAs))

    app.route({
      method: METHODS,
      url: '/api/*',
      // Read by the service; here it only says that there may be one.
      schema: { querystring: z.looseObject({}) },
      handler: async ({ raw, method, url: path, headers, body }, reply) => {
        const { service, identity, traced } = admitted.get(raw)!
        if (!identity) return pass(await upstreams[service].ask('/health'), reply)
        const answer = await upstreams[service].call({
          method,
          path,
          body: body as Buffer | undefined,
          headers: { ...picked(headers), ...sign(identity), ...traced },
        })
        return pass(answer, reply)
      },
    })
  }
}

function picked(headers: IncomingHttpHeaders): Record<string, string> {
  const passed = PASSED_ON.flatMap((name) =>
    headers[name] === undefined ? [] : [[name, String(headers[name])]],
  )
  return Object.fromEntries(passed)
}

interface Reply {
  code: (status: number) => Reply
  headers: (headers: Answer['headers']) => Reply
  send: (body: Answer['body']) => Reply
}

function pass({ status, headers, body }: Answer, reply: Reply): Reply {
  const passed = Object.entries(headers).filter(([name]) => !OF_THE_HOP.has(name))
  return reply.code(status).headers(Object.fromEntries(passed)).send(body)
}
