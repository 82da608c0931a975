import { Ajv2020 } from 'ajv/dist/2020.js'

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

/**
 * JSON as it is written, not as it is meant: a scalar is its own text, so `1e400`, `NaN` and `01` have a place, and an object
 * is a list of members, so a key can come twice.
 */
export type Json = string | Json[] | { members: [key: string, value: Json][] }

export function textOf(json: Json): string {
  if (typeof json === 'string') return json
  if (Array.isArray(json)) return `[${json.map(textOf).join(',')}]`
  return `{${json.members.map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`).join(',')}}`
}

/** Where a node is: the index at each level. */
type Place = number[]

const childrenOf = (json: Json): Json[] => {
  if (typeof json === 'string') return []
  return Array.isArray(json) ? json : json.members.map(([, value]) => value)
}

/** Every node, the root first. */
export function placesIn(json: Json): Place[] {
  return [[], ...childrenOf(json).flatMap((child, at) => placesIn(child).map((place) => [at, ...place]))]
}

/** A copy with the node at `place` replaced by what `change` makes of it; undefined takes it out of its parent. */
export function changeAt(
  json: Json,
  place: Place,
  change: (node: Json) => Json | undefined,
): Json | undefined {
  const [at, ...rest] = place
  if (at === undefined) return change(json)
  if (typeof json === 'string') return json
  const child = childrenOf(json)[at]
  if (child === undefined) return json
  const changed = changeAt(child, rest, change)
  if (Array.isArray(json)) return changed === undefined ? json.toSpliced(at, 1) : json.with(at, changed)
  const [key] = json.members[at]!
  const members =
    changed === undefined ? json.members.toSpliced(at, 1) : json.members.with(at, [key, changed])
  return { members }
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
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    // JSON has no undefined, so it can stand for this.
    return undefined
  }
}

const MARK = Buffer.from([0xef, 0xbb, 0xbf])

export const hasByteOrderMark = (bytes: Buffer): boolean => bytes.subarray(0, 3).equals(MARK)

/** The same for a body of a request, where a byte order mark may stand in front. */
export const parseBody = (bytes: Buffer): unknown =>
  parseJson(hasByteOrderMark(bytes) ? bytes.subarray(3) : bytes)

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
