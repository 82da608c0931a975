import { fromCents } from '../shared/wire/money.ts'

/** What the tests read of an OpenAPI document. */
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, Schema> }
}
export interface Operation {
  summary?: string
  'x-roles'?: string[]
  'x-own'?: string
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}
interface Schema {
  $ref?: string
  type?: string
  format?: string
  pattern?: string
  enum?: unknown[]
  const?: unknown
  minimum?: number
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  allOf?: Schema[]
  default?: unknown
}

export interface Route {
  method: string
  /** With `{name}` where an id stands. */
  path: string
  operation: Operation
}

/** Every route of the document that says who may call it, what destroys last. */
export function routesOf(document: OpenApi): Route[] {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
  const rank = ({ method }: Route) => ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].indexOf(method)
  return all
    .filter(({ method, operation }) => operation['x-roles'] && method !== 'HEAD')
    .toSorted((a, b) => rank(a) - rank(b))
}

/** Everything that a test must not find out: ids by the names that paths and bodies give them. */
export type Ids = Record<string, string>

/** A request that is good in form, about the objects of `ids`. */
export function requestFor({ method, path, operation }: Route, document: OpenApi, ids: Ids) {
  const sample = (schema: Schema, name: string) => sampleOf(schema, name, document, ids)
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => ids[name] ?? fail(`no id for {${name}} of ${path}`))
  const query = (operation.parameters ?? [])
    .filter(({ in: where, required }) => where === 'query' && required)
    .map(({ name, schema }) => `${name}=${sample(schema, name)}`)
  const body = operation.requestBody?.content['application/json']?.schema
  return {
    method,
    path: query.length > 0 ? `${filled}?${query.join('&')}` : filled,
    body: body && sample(body, 'body'),
  }
}

function sampleOf(schema: Schema, name: string, document: OpenApi, ids: Ids): unknown {
  const again = (other: Schema, of = name) => sampleOf(other, of, document, ids)
  if (schema.$ref) return again(document.components?.schemas?.[schema.$ref.split('/').at(-1)!] ?? {})
  if (name in ids && schema.type === 'string') return ids[name]
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  const choice = schema.anyOf?.find(({ type }) => type !== 'null')
  if (choice) return again(choice)
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((one) => again(one)))
  switch (schema.type) {
    case 'object': {
      const wanted = Object.entries(schema.properties ?? {}).filter(([key]) => schema.required?.includes(key))
      return Object.fromEntries(wanted.map(([key, value]) => [key, again(value, key)]))
    }
    case 'array':
      return [again(schema.items ?? {}, name.replace(/s$/, ''))]
    case 'boolean':
      return true
    case 'integer':
      return Math.max(schema.minimum ?? 1, 1)
    case 'number':
      return fromCents(1_250)
    default:
      return schema.format === 'email'
        ? 'nobody@example.com'
        : schema.format === 'date'
          ? '2026-01-01'
          : 'text'
  }
}

function fail(message: string): never {
  throw new Error(message)
}
