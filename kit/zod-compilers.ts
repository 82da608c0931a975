import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify'
import { serializerCompiler } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { invalidRequest } from './problem.ts'

const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data) => {
    const parsed = schema.safeParse(data)
    if (parsed.success) return { value: parsed.data }
    return { error: invalidRequest(httpPart ?? 'body', parsed.error.issues, data) }
  }

/**
 * zod in and out. Given to Fastify at its start, so that Ajv and fast-json-stringify, which nothing here needs, are never loaded. Its
 * types know schemas of Ajv alone.
 */
export const schemaController = {
  compilersFactory: { buildValidator: () => validatorCompiler, buildSerializer: () => serializerCompiler },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>
