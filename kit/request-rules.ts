import type { FastifyRequest } from 'fastify'
import { LabError } from './errors.ts'
import { invalidRequest } from './problem.ts'

/**
 * Refuses a body in an encoding: nothing here decodes one, and read as it is it would be somebody's order by accident.
 * `identity` says that there is none.
 */
export function requirePlainBody({ method, headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || method === 'GET' || method === 'HEAD') return
  const codings = encoding.split(',').map((coding) => coding.trim().toLowerCase())
  if (codings.every((coding) => coding === '' || coding === 'identity')) return
  const message = `'${encoding.slice(0, 80)}' is not decoded here, send the body as it is`
  throw new LabError('LAB_CONTENT_ENCODING', `content-encoding: ${message}`, {
    errors: [{ field: 'content-encoding', message, value: encoding.slice(0, 80) }],
  })
}

/**
 * Routes that read a query say so in their schema, and refuse what is not in it; the others take none at all. Pages and
 * their files, hidden from the document, are asked for with whatever query their makers like.
 */
export function refuseQuery({ query, routeOptions }: FastifyRequest): void {
  if (routeOptions.schema?.querystring !== undefined || routeOptions.schema?.hide === true) return
  const keys = Object.keys(query as object)
  if (keys.length === 0) return
  const issue = { code: 'unrecognized_keys' as const, keys, path: [], message: '', input: query as never }
  throw invalidRequest('query', [issue], query)
}
