import { Ajv2020 } from 'ajv/dist/2020.js'

type Length = 'minItems' | 'maxItems' | 'minLength' | 'maxLength'
type Limit = 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum'

/** The parts of JSON Schema 2020-12 that zod writes. */
export interface Schema extends Partial<Record<Length | Limit, number>> {
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
  format?: string
  pattern?: string
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

/**
 * JSON as it is written, not as it is meant: a scalar is its own text, so `1e400`, `NaN` and `01` have a place, and an object
 * is a list of members, so a key can come twice. The members of an array have no key.
 */
export type Json = string | { isArray?: true; members: Member[] }
export type Member = [key: string, value: Json]

export function textOf(json: Json): string {
  if (typeof json === 'string') return json
  if (json.isArray) return `[${json.members.map(([, value]) => textOf(value)).join(',')}]`
  return `{${json.members.map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`).join(',')}}`
}

const countOf = (json: Json): number =>
  typeof json === 'string' ? 1 : json.members.reduce((sum, [, value]) => sum + countOf(value), 1)

/**
 * A copy in which one node is what `change` makes of it; undefined takes it out of its parent. Nodes are numbered from the
 * root, which is 0, and after the last one from the root again.
 */
export function changeAt(json: Json, at: number, change: (node: Json) => Json | undefined): Json | undefined {
  let left = at % countOf(json)
  if (typeof json === 'string' || left-- === 0) return change(json)
  const members = json.members.flatMap(([key, value]): Member[] => {
    const count = countOf(value)
    const isHere = left >= 0 && left < count
    const changed = isHere ? changeAt(value, left, change) : value
    left -= count
    return changed === undefined ? [] : [[key, changed]]
  })
  return { ...json, members }
}

/** Whether a value fits, judged by another library than the one the services use. */
export type Fits = (value: unknown) => boolean

/** Formats are not looked at: zod writes a pattern beside each. */
export function compile(schema: Schema, components: Components = {}): Fits {
  const ajv = new Ajv2020({
    strict: false,
    strictNumbers: true,
    validateFormats: false,
    unicodeRegExp: false,
  })
  const validate = ajv.compile({ ...schema, components: { schemas: components } })
  return (value) => validate(value) === true
}

/** What the bytes say, or undefined when they are not JSON. */
export function parseJson(bytes: Buffer | string): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    // JSON has no undefined, so it can stand for this.
    return undefined
  }
}

export const hasByteOrderMark = (bytes: Buffer): boolean => bytes.toString('hex', 0, 3) === 'efbbbf'

/** The same for a body of a request, where a byte order mark may stand in front. */
export const parseBody = (bytes: Buffer): unknown => parseJson(new TextDecoder().decode(bytes))

/** Whether a key is in it that would reach the prototype of an object it is copied to. */
export function reachesPrototype(value: unknown): boolean {
  const open = [value]
  while (open.length > 0) {
    const node = open.pop()
    if (typeof node !== 'object' || node === null) continue
    if (Object.hasOwn(node, '__proto__')) return true
    const own: unknown = Object.hasOwn(node, 'constructor') ? node.constructor : undefined
    if (typeof own === 'object' && own !== null && Object.hasOwn(own, 'prototype')) return true
    open.push(...Object.values(node))
  }
  return false
}
