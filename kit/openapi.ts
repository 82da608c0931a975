import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { OpenAPIV3_1 } from 'openapi-types'
import { z } from 'zod'
import { isAdminUrl } from './admin-door.ts'
import { Problem } from './problem.ts'
import { statusText } from './status-text.ts'

export interface DocumentOptions {
  title: string
  description: string
  /** Whether `/admin` asks for a token: the page at `/docs` then offers to enter it. */
  needsToken: boolean
}

/** The OpenAPI document of a service, from the schemas that check its requests. */
export function openapi({ title, description, needsToken }: DocumentOptions): FastifyDynamicSwaggerOptions {
  const adminToken = {
    type: 'http',
    scheme: 'bearer',
    description: 'The ADMIN_TOKEN of this service',
  } as const
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title, description, version: '1.0.0' },
      ...(needsToken && { components: { securitySchemes: { adminToken } } }),
    },
    transform: (route) => {
      const [url, method] = [route.url, String(route.route.method)]
      const errors = [
        ...ALWAYS,
        ...(method === 'GET' ? [] : WITH_BODY),
        ...(isAdminUrl(url) ? [needsToken ? 401 : 403] : []),
      ]
      const response = { ...problems(errors), ...described(route.schema?.response as Responses | undefined) }
      const { schema } = jsonSchemaTransform({ ...route, schema: { ...route.schema, response } } as never)
      const security = needsToken && isAdminUrl(url) ? { security: [{ adminToken: [] }] } : {}
      return { schema: { ...schema, ...security } as FastifySchema, url }
    },
    transformObject: (document) => oncePerSchema(jsonSchemaTransformObject(document) as OpenAPIV3_1.Document),
  }
}

/** What the door answers to any request, and to one that may have a body. */
const ALWAYS = [400, 408, 414, 431, 500]
const WITH_BODY = [413, 415]

interface Response {
  description: string
  content: Record<string, { schema: z.ZodType }>
}
type Responses = Record<string, z.ZodType | { description?: string; content: Response['content'] }>

const PROBLEM_TYPE = 'application/problem+json'
const isProblem = (schema: z.ZodType) => schema instanceof z.ZodObject && 'instance' in schema.shape

const problems = (statuses: number[]): Record<string, Response> =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: statusText(status), content: { [PROBLEM_TYPE]: { schema: Problem } } },
    ]),
  )

/** As they are sent: a problem has a content type of its own, also where an outcome can be answered in its place. */
function described(responses: Responses = {}): Record<string, Response | z.ZodNull> {
  return Object.fromEntries(
    Object.entries(responses).map(([status, schema]) => {
      // An answer without a body.
      if (schema instanceof z.ZodNull) return [status, schema]
      if ('content' in schema) return [status, { description: statusText(status), ...schema }]
      const options = (schema instanceof z.ZodUnion ? schema.options : [schema]) as z.ZodType[]
      const [problem] = options.filter(isProblem)
      const outcomes = options.filter((option) => !isProblem(option)).map(named)
      const outcome = outcomes.length > 1 ? z.union(outcomes) : outcomes[0]
      const content = {
        ...(outcome && { 'application/json': { schema: outcome } }),
        ...(problem && { [PROBLEM_TYPE]: { schema: problem } }),
      }
      return [status, { description: schema.description ?? statusText(status), content }]
    }),
  )
}

/** A schema that was only described once more is the one it was made of, which has a name to refer to. */
function named(schema: z.ZodType): z.ZodType {
  const { parent } = schema._zod as unknown as { parent?: z.ZodType }
  return parent && z.globalRegistry.get(parent)?.id ? parent : schema
}

type Schemas = Record<string, object>
const REFERENCE = /"\$ref":"#\/components\/schemas\/(\w+)"/g
const INPUT = /Input$/

/**
 * Each schema once, and only those that are referred to. They come in two forms, for what is read and for what is sent: what
 * is read anywhere is shown as it is read.
 */
function oncePerSchema(document: OpenAPIV3_1.Document): OpenAPIV3_1.Document {
  const all = (document.components?.schemas ?? {}) as Schemas
  const used: Schemas = {}
  const use = (node: unknown, form: (name: string) => boolean): void => {
    for (const [, name = ''] of JSON.stringify(node).matchAll(REFERENCE)) {
      const once = name.replace(INPUT, '')
      if (!form(name) || once in used) continue
      used[once] = all[name] ?? {}
      use(used[once], form)
    }
  }
  use(document.paths, (name) => INPUT.test(name))
  use([document.paths, used], () => true)
  const { paths, components } = renamed({
    paths: document.paths,
    components: { ...document.components, schemas: used },
  })
  return { ...document, ...(paths && { paths }), components: components as OpenAPIV3_1.ComponentsObject }
}

/** The same with every reference to the one name a schema has now. */
const renamed = <Node>(node: Node): Node =>
  JSON.parse(
    JSON.stringify(node).replace(REFERENCE, (ref, name) => ref.replace(name, name.replace(INPUT, ''))),
  )
