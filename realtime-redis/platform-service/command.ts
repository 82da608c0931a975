import { LabError } from '@lab/kit/errors.ts'
import { invalidRequest } from '@lab/kit/problem.ts'
import { z } from 'zod'

type Shape = Record<string, z.ZodType>
const Flag = z.enum(['true', 'false']).transform((value) => value === 'true')

/** As a query has them: everything is text, and everything may be in the body instead. */
function queryField(field: z.ZodType): z.ZodType {
  const inner = field instanceof z.ZodOptional ? (field.unwrap() as z.ZodType) : field
  if (inner instanceof z.ZodBoolean) return Flag.optional()
  if (inner instanceof z.ZodNumber)
    return z
      .string()
      .regex(/^-?\d+(\.\d+)?$/, 'is no number')
      .transform(Number)
      .pipe(inner)
      .optional()
  return inner.optional()
}

/**
 * What a command takes, from the query or from a JSON body. `null` and '' say the same as nothing; said in both places it has to
 * be the same.
 */
export function command<Fields extends Shape>(fields: Fields) {
  const full = z.strictObject(fields)
  const names = Object.keys(fields)
  const absent = (value: unknown) => (value === null || value === '' ? undefined : value)
  const each = (of: (field: z.ZodType) => z.ZodType) =>
    z.strictObject(Object.fromEntries(names.map((name) => [name, z.preprocess(absent, of(fields[name]!))])))
  return {
    schema: {
      querystring: each(queryField),
      body: each((field) => (field instanceof z.ZodOptional ? field : field.optional())).nullish(),
    },
    read({ query, body }: { query: unknown; body: unknown }): z.output<typeof full> {
      const given = { ...(query as Record<string, unknown>) }
      for (const [name, value] of Object.entries(body ?? {})) {
        if (value === undefined) continue
        if (given[name] !== undefined && given[name] !== value) throw twice(name, value)
        given[name] = value
      }
      const parsed = full.safeParse(given)
      if (!parsed.success) throw invalidRequest('query', parsed.error.issues, given)
      return parsed.data
    },
  }
}

function twice(field: string, value: unknown): LabError {
  const message = 'is something else in the query than in the body'
  return new LabError('LAB_REQUEST_INVALID', `${field}: ${message}`, {
    errors: [{ field, message, value: JSON.stringify(value) }],
  })
}
