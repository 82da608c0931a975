import { hash } from 'node:crypto'
import fc from 'fast-check'
import { type Components, changeAt, type Json, placesIn, resolve, type Schema, textOf } from './json.ts'
import { weirdBytes, weirdKey, weirdValue } from './weird.ts'

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
      : fc.oneof({ weight: 8, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: unnamed })
  return fc
    .tuple(fc.tuple(...named), more, fc.nat())
    .map(([entries, others, turn]) => ({ members: turned([...entries.flat(), ...others], turn) }))
}

/** A member that no schema names. */
const unnamed = fc
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

/** A body on its way out, and in a few words what was done to it. */
export interface Body {
  bytes: Buffer
  change: string
}

type Change = (valid: Json) => Body

const written = (change: string, json: Json | undefined): Body => ({
  change,
  bytes: Buffer.from(json === undefined ? '' : textOf(json)),
})

const placeOf = (json: Json, at: number) => {
  const places = placesIn(json)
  return places[at % places.length]!
}

const replaced = fc.tuple(fc.nat(), weirdValue).map(
  ([at, value]): Change =>
    (json) =>
      written(
        'replaced',
        changeAt(json, placeOf(json, at), () => value),
      ),
)

const removed = fc.nat().map(
  (at): Change =>
    (json) =>
      written(
        'missing',
        changeAt(json, placeOf(json, at), () => undefined),
      ),
)

/** Adds a member to the objects found at the place; a key that is there already then comes twice. */
const added = fc.tuple(fc.nat(), fc.nat(), weirdKey, weirdValue, fc.boolean()).map(
  ([at, which, key, value, isTwice]): Change =>
    (json) => {
      const add = (node: Json): Json => {
        if (typeof node === 'string') return { members: [[key, value]] }
        if (Array.isArray(node)) return [...node, value]
        const name = isTwice ? (node.members[which % (node.members.length || 1)]?.[0] ?? key) : key
        const entry: [string, Json] = [name, value]
        return { members: which % 2 === 0 ? [...node.members, entry] : [entry, ...node.members] }
      }
      return written(isTwice ? 'key twice' : 'additional', changeAt(json, placeOf(json, at), add))
    },
)

const wrapped = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 3_000 })).map(
  ([at, depth]): Change =>
    (json) => {
      const wrap = (node: Json) => '['.repeat(depth) + textOf(node) + ']'.repeat(depth)
      return written('nested', changeAt(json, placeOf(json, at), wrap))
    },
)

const broken = fc
  .tuple(
    fc.nat(),
    fc.constantFrom('', ',', '}', ']', '"', '{', '//x\n', '/**/', '\0', '\\', ':', '\u2028', ' x'),
  )
  .map(
    ([at, junk]): Change =>
      (json) => {
        const text = textOf(json)
        const cut = at % (text.length + 1)
        // Without junk the text is cut off.
        return written('broken', text.slice(0, cut) + (junk === '' ? '' : junk + text.slice(cut)))
      },
  )

const spoilt = fc.tuple(fc.nat(), weirdBytes).map(
  ([at, junk]): Change =>
    (json) => {
      const bytes = Buffer.from(textOf(json))
      const cut = at % (bytes.length + 1)
      return { change: 'bytes', bytes: Buffer.concat([bytes.subarray(0, cut), junk, bytes.subarray(cut)]) }
    },
)

const other = fc
  .oneof(
    weirdBytes,
    fc
      .constantFrom('', ' ', '\n', 'null', 'true', '0', '"x"', '[]', '{}', '{}{}', 'a=1&b=2', '<a/>')
      .map((text) => Buffer.from(text)),
  )
  .map(
    (bytes): Change =>
      () => ({ change: 'something else', bytes }),
  )

const KIB = 1_024
const padded = fc
  .tuple(
    fc.constantFrom(15 * KIB, 17 * KIB, 63 * KIB, 65 * KIB, 70 * KIB, 300 * KIB),
    fc.constantFrom(' ', 'x', '[', 'é'),
  )
  .map(
    ([size, filler]): Change =>
      (json) => {
        const text = textOf(json)
        const fill = filler.repeat(Math.ceil(size / Buffer.byteLength(filler)))
        if (filler === ' ') return written('large', fill + text)
        return written(
          'large',
          typeof json === 'object' && 'members' in json
            ? { members: [...json.members, ['padding', JSON.stringify(fill)]] }
            : `${text.slice(0, -1)}${fill}`,
        )
      },
  )

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 10, arbitrary: replaced },
  { weight: 4, arbitrary: removed },
  { weight: 6, arbitrary: added },
  { weight: 2, arbitrary: wrapped },
  { weight: 4, arbitrary: broken },
  { weight: 2, arbitrary: spoilt },
  { weight: 2, arbitrary: other },
  { weight: 1, arbitrary: padded },
)

/** Bodies made of valid ones by one change. What is left may well be valid: the oracle says, not the change. */
export const mutatedBody = (valid: fc.Arbitrary<Json>): fc.Arbitrary<Body> =>
  fc.tuple(valid, change).map(([json, make]) => make(json))

export const validBody = (valid: fc.Arbitrary<Json>): fc.Arbitrary<Body> =>
  valid.map((json) => written('valid', json))

/** What one case follows from, whatever ran before it and whatever runs beside it. */
interface Draw {
  seed: number
  /** The route or the consumer. */
  target: string
  /** The number of the case, from 0. */
  at: number
}

/** The seed of one case: 32 bits that depend on all three. */
const caseSeed = ({ seed, target, at }: Draw): number =>
  hash('sha1', `${seed}\n${target}\n${at}`, 'buffer').readInt32BE()

/** The value that `shrink` starts from: fast-check draws both in the same way. */
export function sampleCase<Value>(values: fc.Arbitrary<Value>, draw: Draw): Value {
  const [value] = fc.sample(values, { seed: caseSeed(draw), numRuns: 1 })
  return value as Value
}

interface ShrinkOptions {
  maxTries: number
  deadlineMs: number
}

/** The smallest value found that still fails, or undefined when the value of `draw` does not fail any more. */
export async function shrinkCase<Value>(
  values: fc.Arbitrary<Value>,
  draw: Draw,
  { fails, maxTries, deadlineMs }: ShrinkOptions & { fails: (value: Value) => Promise<boolean> },
): Promise<Value | undefined> {
  const until = performance.now() + deadlineMs
  let tries = 0
  let smallest: { value: Value } | undefined
  const holds = async (value: Value) => {
    // Out of tries everything holds, which ends the search.
    if (++tries > maxTries || performance.now() > until) return true
    if (!(await fails(value))) return true
    smallest = { value }
    return false
  }
  await fc.check(fc.asyncProperty(values, holds), { seed: caseSeed(draw), numRuns: 1 })
  return smallest?.value
}
