import fc from 'fast-check'
import { type Components, resolve, type Schema } from './schema.ts'
import type { Json } from './tree.ts'

export interface ValidOptions {
  components: Components
  /** Ids that come again and again, so that repeats and conflicts are met as well. */
  ids: string[]
  /** The largest value to generate for a property that would otherwise cost minutes, such as the size of a bulk. */
  atMost?: Record<string, number>
}

const FAR = 2 ** 53 - 1

/** JSON that the schema accepts, in the different ways it can be written. */
export function validJson(schema: Schema, options: ValidOptions): fc.Arbitrary<Json> {
  const found = resolve(schema, options.components)
  const choices = found.anyOf ?? found.oneOf
  if (choices) return fc.oneof(...choices.map((choice) => validJson(choice, options)))
  if (found.const !== undefined) return literal(found.const)
  if (found.enum) return fc.constantFrom(...found.enum).chain(literal)
  if (Array.isArray(found.type))
    return fc.oneof(...found.type.map((type) => validJson({ ...found, type }, options)))
  return ofType(found, options)
}

const literal = (value: unknown) => fc.constant<Json>(JSON.stringify(value))

function ofType(schema: Schema, options: ValidOptions): fc.Arbitrary<Json> {
  switch (schema.type) {
    case 'object':
      return objectOf(schema, options)
    case 'array': {
      const { items = {}, minItems = 0, maxItems = minItems + 3 } = schema
      return fc.array(validJson(items, options), { minLength: minItems, maxLength: maxItems })
    }
    case 'integer':
      return integer(schema)
    case 'number':
      return number(schema)
    case 'boolean':
      return fc.boolean().map(String)
    case 'null':
      return fc.constant('null')
    case 'string':
      return text(schema, options).map(quoted)
    default:
      return fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value))
  }
}

function objectOf(schema: Schema, options: ValidOptions): fc.Arbitrary<Json> {
  const { properties = {}, required = [], additionalProperties } = schema
  const named = Object.entries(properties).map(([key, value]) => {
    const maximum = options.atMost?.[key]
    const bounded = maximum === undefined ? value : { ...resolve(value, options.components), maximum }
    const entry = validJson(bounded, options).map((json): [string, Json][] => [[key, json]])
    return required.includes(key) ? entry : fc.oneof(entry, fc.constant([]))
  })
  const more =
    additionalProperties === false
      ? fc.constant<[string, Json][]>([])
      : fc.oneof({ weight: 8, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: other })
  return fc
    .tuple(fc.tuple(...named), more, fc.nat())
    .map(([entries, others, turn]) => ({ members: turned([...entries.flat(), ...others], turn) }))
}

/** A member that no schema names. */
const other = fc
  .tuple(fc.stringMatching(/^[a-z]{1,6}_x$/), fc.jsonValue({ maxDepth: 1 }))
  .map(([key, value]): [string, Json][] => [[key, JSON.stringify(value)]])

/** The order of members means nothing, so it is another one each time. */
const turned = <Entry>(entries: Entry[], by: number): Entry[] => {
  const at = entries.length === 0 ? 0 : by % entries.length
  return [...entries.slice(at), ...entries.slice(0, at)]
}

function integer({ minimum = -FAR, maximum = FAR, exclusiveMinimum, exclusiveMaximum }: Schema) {
  const min = Math.max(minimum, exclusiveMinimum === undefined ? -FAR : Math.floor(exclusiveMinimum) + 1)
  const max = Math.min(maximum, exclusiveMaximum === undefined ? FAR : Math.ceil(exclusiveMaximum) - 1)
  return fc
    .tuple(fc.integer({ min, max }), fc.constantFrom('', '', '', '', '.0', 'e0', '.000E+0'))
    .map(([whole, tail]) => `${whole}${tail}`)
}

function number({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): fc.Arbitrary<string> {
  const min = exclusiveMinimum ?? minimum ?? -FAR
  const max = exclusiveMaximum ?? maximum ?? FAR
  const excluded = {
    minExcluded: exclusiveMinimum !== undefined,
    maxExcluded: exclusiveMaximum !== undefined,
  }
  const any = fc.double({ min, max, ...excluded, noNaN: true, noDefaultInfinity: true })
  return any.map((value) => JSON.stringify(value))
}

function text(schema: Schema, { ids }: ValidOptions): fc.Arbitrary<string> {
  const { format, pattern, minLength = 0, maxLength = 40 } = schema
  if (format === 'uuid') return uuid(ids)
  if (format === 'date-time') return date
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern))
  const most = Math.min(maxLength, 200)
  // A character that a reader sees can be many code units, which is what a limit counts.
  return fc
    .string({ unit: 'grapheme', minLength, maxLength: most })
    .map((found) => found.slice(0, most).toWellFormed())
}

/** Upper and lower case are the same id. */
function uuid(ids: string[]): fc.Arbitrary<string> {
  const known = ids.length === 0 ? fc.uuid() : fc.constantFrom(...ids)
  const any = fc.oneof({ weight: 3, arbitrary: fc.uuid() }, { weight: 1, arbitrary: known })
  return fc
    .tuple(any, fc.integer({ min: 0, max: 19 }))
    .map(([id, letters]) => (letters === 19 ? id.toUpperCase() : id))
}

const date = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((at) => at.toISOString())

/** Written plainly, or with every character as an escape, which is the same string. */
const quoted = (value: string): string => JSON.stringify(value)
