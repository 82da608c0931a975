import { z } from 'zod'
import type { Components, Schema } from '../json.ts'

const AnySchema = z.custom<Schema>((value) => typeof value === 'object' && value !== null)
const Content = z.record(z.string(), z.object({ schema: AnySchema.optional() })).optional()
const Parameter = z.object({ name: z.string(), in: z.string(), schema: AnySchema })
const Operation = z.object({
  parameters: z.array(Parameter).default([]),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(z.string(), z.object({ content: Content })).default({}),
})
const Document = z.object({
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ schemas: z.record(z.string(), AnySchema) }).default({ schemas: {} }),
})

export type Parameter = z.infer<typeof Parameter>

/** What an answer may be: an outcome, and in its place a problem. Undefined where the document does not say. */
export interface Bodies<Of = Schema> {
  outcome: Of | undefined
  problem: Of | undefined
}

/** One operation as the service documents it. */
export interface Route {
  method: string
  /** With `{names}` where parameters are. */
  path: string
  parameters: Parameter[]
  body: Schema | undefined
  /** By status. */
  responses: Map<number, Bodies>
  /** Answers to a `GET` of these never end. */
  isStream: boolean
  components: Components
}

/** Reads `/docs/json` of a running service. Throws when a route could not be fuzzed from it. */
export const readRoutes = async (url: string, signal: AbortSignal): Promise<Route[]> =>
  routesOf(await (await fetch(`${url}/docs/json`, { signal })).json())

export function routesOf(document: unknown): Route[] {
  const { paths, components } = Document.parse(document)
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters, requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content?.['application/json']?.schema,
      responses: new Map(
        Object.entries(responses).map(([status, { content }]) => [Number(status), bodiesOf(content)]),
      ),
      isStream: path.endsWith('/stream'),
      components: components.schemas,
    })),
  )
}

const bodiesOf = (content: z.infer<typeof Content>): Bodies => ({
  outcome: content?.['application/json']?.schema,
  problem: content?.['application/problem+json']?.schema,
})
