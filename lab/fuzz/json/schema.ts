/** The parts of JSON Schema 2020-12 that zod writes. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  items?: Schema
  minItems?: number
  maxItems?: number
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
}

/** What `#/components/schemas/<name>` stands for. */
export type Components = Record<string, Schema>

const PREFIX = '#/components/schemas/'

/** Follows references; a reference to nothing throws, because whatever were generated from it would be noise. */
export function resolve(schema: Schema, components: Components): Schema {
  if (schema.$ref === undefined) return schema
  const found = components[schema.$ref.slice(PREFIX.length)]
  if (!found || !schema.$ref.startsWith(PREFIX)) throw new Error(`the document has no ${schema.$ref}`)
  return resolve(found, components)
}
